"""CPU time of the matrix kernels at E2B's shapes, on a software adapter: what a kernel costs it in all.

`python tests/bench/matrices.py [--adapter naga|tint] [--encoding q4] [--tokens 1,8,64] [--shapes down,o]`,
with py_src, build and tests on PYTHONPATH. Zeros for weights. The least of some runs counts, each of the
process's CPU time and so of all of the driver's threads: other work on the machine disturbs it little.
"""

import argparse
from dataclasses import replace
from math import prod

from gemtab.contracts.program import Buffer, Slice
from gemtab.contracts.quantization import PACKED_BITS, planes
from gemtab.contracts.state import State
from gemtab.gpu.native import NativeDevice
from gemtab.kernels.ends import Grids
from gemtab.kernels.matmul import Matmul
from gemtab.kernels.variant import Variant
from helpers.cpu_time import cpu_seconds, prepare
from helpers.devices import ADAPTERS, open_device

SHAPES = {  # n_in, n_out
    "qkv": (1536, 2560), "o": (2048, 1536), "gate_up": (1536, 12288), "down": (6144, 1536),
    "down wide": (12288, 1536), "ple_gate": (1536, 256), "ple_out": (256, 1536),
}  # fmt: skip
LEAST_SECONDS = 0.2  # of one run


class Bench:
    """One kernel with its buffers on a device, ready to run."""

    def __init__(self, device: NativeDevice, kernel: Matmul, tokens: int) -> None:
        self.device = device
        sizes = {
            "x": 4 * tokens * kernel.n_in, "y": 4 * tokens * kernel.n_out,
            **{one.name: one.bytes(kernel.n_out) for one in planes(kernel.encoding, kernel.n_in)},
            "state": len(State(0, tokens).to_bytes()),
        }  # fmt: skip
        step = kernel.step(tokens, "", ())
        slots = [name.lstrip("*") for name in step.kernel.bindings]
        slices = tuple(Slice(name, 0, sizes[name]) for name in slots)
        step = replace(step, slices=slices)
        for name, size in sizes.items():
            device.create(Buffer(name, size))
        device.write("state", 0, State(0, tokens).to_bytes())
        prepare(device, step, tokens)
        self.template = step.kernel.template

    def seconds(self, runs: int) -> float:
        """CPU time of a dispatch."""
        times, took = 1, cpu_seconds(self.device, 1, "y")
        while took < LEAST_SECONDS:
            times *= 2
            took = cpu_seconds(self.device, times, "y")
        return min(took, *(cpu_seconds(self.device, times, "y") for _ in range(runs - 1))) / times


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--adapter", choices=ADAPTERS, default="naga")
    parser.add_argument("--encoding", default="q4")
    parser.add_argument("--tokens", default="1,2,4,8,16,32,64", help="(%(default)s)")
    parser.add_argument("--shapes", default=",".join(SHAPES), help="(%(default)s)")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--f16", action="store_true", help="with the device's f16")
    parser.add_argument("--integer-dot", action="store_true", help="products of int8 codes")
    args = parser.parse_args()
    features = frozenset({"shader-f16"} if args.f16 else ())
    device = open_device(args.adapter, features)
    variant = Variant(args.f16, integer_dot=args.integer_dot, integer_tiles=args.integer_dot)
    srq = (Grids(0.03, 0.1),) if args.encoding in PACKED_BITS else ()
    print(f"{device.facts.adapter}, {args.encoding}: ms of CPU a dispatch (multiply-adds / ns)")
    for name in args.shapes.split(","):
        n_in, n_out = SHAPES[name]
        kernel = Matmul(args.encoding, n_in, n_out, variant=variant, srq=srq)
        for tokens in map(int, args.tokens.split(",")):
            bench = Bench(device, kernel, tokens)
            took = bench.seconds(args.runs)
            speed = prod((n_in, n_out, tokens)) / took / 1e9
            print(
                f"{name:<10} {tokens:>4} tokens {bench.template:<9} {took * 1e3:8.2f} ({speed:.1f})"
            )


if __name__ == "__main__":
    main()

"""What attention costs at Gemma 4 E2B's sizes: CPU time of a dispatch on a software adapter.

`python tests/bench/attention.py [--adapter naga|tint] [--kv f16] [--tokens 128 512] [--at 0 512 4096]`, with py_src,
build and tests on PYTHONPATH. `--tokens 1` is a reply's token: its queries are raw, `--splits` of its keys merged.
Milliseconds of all cores together, the least of some repeats; GFLOP/s count two for a multiply-add in sight.
"""

import argparse

import numpy as np

from gemtab.contracts.model_config import Rope
from gemtab.contracts.program import Buffer, Slice, Step
from gemtab.contracts.quantization import KV_ENCODINGS
from gemtab.contracts.state import State
from gemtab.kernels.attend import Attend, Merge, part_bytes
from gemtab.kernels.attend_chunk import AttendChunk, carried_bytes
from gemtab.kernels.heads import NO_WINDOW, Heads, HeadShape
from gemtab.kernels.variant import Variant
from gemtab.plan.accounts import cost_of
from gemtab.plan.rope import rope_pairs, rope_table
from helpers.cpu_time import cpu_seconds, prepare
from helpers.devices import ADAPTERS, open_device
from helpers.kv import encode_kv

HEADS, KV_HEADS = 8, 1
# of a measurement, unless a dispatch alone takes longer; its most dispatches
SECONDS, MOST = 1.5, 40
LAYERS = {  # head_dim, window, what of a head turns
    "sliding": (256, 512, Rope(1e4)),
    "full": (512, NO_WINDOW, Rope(1e6, 0.25)),
}


class Bench:
    """One kind of layer on a device, with a cache that is full."""

    def __init__(self, device, kind: str, kv: str, tokens: int, position: int) -> None:
        head_dim, window, rope = LAYERS[kind]
        self.device, self.tokens, self.position = device, tokens, position
        features = device.facts.features
        variant = Variant("shader-f16" in features, "subgroups" in features)
        ring = position + tokens
        pairs = rope_pairs(rope, head_dim)
        self.shape = HeadShape(
            kv, HEADS, KV_HEADS, head_dim, (HEADS + 2 * KV_HEADS) * head_dim, 0, head_dim // 4, True, pairs,
            1e-6, window, ring, True, variant,
        )  # fmt: skip
        rng = np.random.default_rng(1)
        rows = rng.standard_normal((min(ring, 1024), KV_HEADS, head_dim), np.float32)
        cache = np.resize(encode_kv(rows, kv), (ring, encode_kv(rows[:1], kv).size))
        arrays = {
            "qkv": rng.standard_normal((tokens, self.shape.stride), np.float32) * head_dim**-0.5,
            "k": cache,
            "v": cache,
            "y": np.zeros((tokens, HEADS * head_dim), np.float32),
            "carried": np.zeros(carried_bytes(tokens, HEADS), np.uint8),
            "parts": np.zeros(part_bytes(HEADS, head_dim, 16), np.uint8),
            "vectors": np.full(2 * head_dim, head_dim**-0.25, np.float32),
            "rope": np.frombuffer(rope_table(rope, head_dim, ring), np.float32),
            "state": np.frombuffer(State(position, tokens).to_bytes(), np.uint32),
        }
        self.sizes = {name: array.nbytes for name, array in arrays.items()}
        for name, array in arrays.items():
            device.create(Buffer(name, array.nbytes))
            device.write(name, 0, np.ascontiguousarray(array).tobytes())

    def slices(self, kernel, **same: str) -> tuple[Slice, ...]:
        """Whole buffers by the kernel's slots."""
        names = [slot.lstrip("*") for slot in kernel.bindings]
        names = [same.get(name, name) for name in names]
        return tuple(Slice(name, 0, self.sizes[name]) for name in names)

    def steps(self, splits: int) -> dict[str, Step]:
        """What is measured."""
        if self.tokens == 1:
            attend, y = Attend(self.shape, raw=True, splits=splits), "y" if splits == 1 else "parts"
            found = {f"attend /{splits}": attend.step(1, "", self.slices(attend.kernel, y=y))}
            if splits > 1:
                merge = Merge(self.shape, splits)
                found["merge"] = merge.step(1, "", self.slices(merge.kernel))
            return found
        kernels = {
            "heads": Heads(self.shape),
            "attend": Attend(self.shape),
            "attend_chunk": AttendChunk(self.shape),
        }
        return {
            name: kernel.step(self.tokens, "", self.slices(kernel.kernel))
            for name, kernel in kernels.items()
        }

    def seconds(self, step: Step) -> float:
        """CPU seconds of a dispatch, the least of some."""
        prepare(self.device, step, self.tokens)
        self._run(State(0, 1))  # compiles
        taken = [self._run(State(self.position, self.tokens))]
        while sum(taken) < SECONDS and len(taken) < MOST:
            taken.append(self._run(State(self.position, self.tokens)))
        return min(taken)

    def _run(self, state: State) -> float:
        self.device.write("state", 0, state.to_bytes())
        return cpu_seconds(self.device, 1, "state")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--adapter", choices=ADAPTERS, default="naga")
    parser.add_argument("--kv", choices=KV_ENCODINGS, default="f16")
    parser.add_argument("--layers", nargs="+", choices=LAYERS, default=list(LAYERS))
    parser.add_argument("--tokens", nargs="+", type=int, default=[128, 512])
    parser.add_argument("--at", nargs="+", type=int, default=[0, 512, 4096])
    parser.add_argument("--splits", nargs="+", type=int, default=[1])
    parser.add_argument("--only", nargs="+", help="beginnings of kernels' names")
    args = parser.parse_args()
    device = open_device(args.adapter, ADAPTERS[args.adapter].features)
    print(f"{device.facts.adapter}, {args.kv} cache, {' '.join(sorted(device.facts.features))}")
    for kind in args.layers:
        for tokens in args.tokens:
            for position in args.at:
                bench = Bench(device, kind, args.kv, tokens, position)
                for splits in args.splits:
                    _tell(bench, kind, bench.steps(splits), args.only)


def _tell(bench: Bench, kind: str, steps: dict[str, Step], only: list[str] | None) -> None:
    for name, step in steps.items():
        if only and not name.startswith(tuple(only)):
            continue
        taken = bench.seconds(step)
        macs = cost_of(step, bench.tokens, bench.position).macs
        speed = f"{2 * macs / taken / 1e9:8.2f} GFLOP/s" if macs else ""
        print(f"{kind:<8} {bench.tokens:>4} at {bench.position:<6} {name:<12} "
              f"{taken * 1e3:10.2f} ms {speed}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()

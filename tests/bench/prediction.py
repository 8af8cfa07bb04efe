"""How much of what the kernel `measure` reaches is left in a reply: the factor in web/engine/check/check.js.

`python tests/bench/prediction.py [--adapter naga|tint] [--layers N]`, with py_src, build and tests on
PYTHONPATH. Layers of E2B's shape in q4, with zeros for weights; both run in turns, and the best of each
counts.
"""

import argparse
import asyncio
import json
import time
from dataclasses import replace

from gemtab.contracts.manifest import Tensor
from gemtab.contracts.model_config import FULL, SLIDING
from gemtab.contracts.names import tensor_shapes
from gemtab.contracts.program import Buffer, Program, Slice, Step
from gemtab.contracts.state import State
from gemtab.gpu.native import NativeDevice
from gemtab.kernels.measure import Measure
from gemtab.plan.forward import plan_decode
from gemtab.plan.model import Model
from gemtab.plan.needs import needs
from gemtab.plan.settings import Settings
from gemtab_build.site.kernels_file import kernels_json
from helpers.devices import ADAPTERS, open_device
from helpers.tiny_model import tiny_config

E2B = {
    "hidden_size": 1536, "intermediate_size": 6144, "use_double_wide_mlp": True,
    "num_attention_heads": 8, "num_key_value_heads": 1, "head_dim": 256, "global_head_dim": 512,
    "sliding_window": 512, "hidden_size_per_layer_input": 256,
    "vocab_size": 16384, "vocab_size_per_layer_input": 16384,
}  # fmt: skip
POSITION, CAPACITY = 64, 512
N_IN, N_OUT = 2048, 32768  # 32 MiB of codes
STATE = Slice("state", 0, 4)


def prepare(device: NativeDevice, layers: int) -> int:
    """Both programs ready to run; bytes that a token reads."""
    kinds = ([SLIDING] * 4 + [FULL]) * (layers // 5)
    shared = layers // 10 * 5
    config = tiny_config(
        **E2B, num_hidden_layers=len(kinds), layer_types=kinds, num_kv_shared_layers=shared
    )
    tensors = {
        name: Tensor(shape, "q4" if len(shape) == 2 else "f32", ())
        for name, shape in tensor_shapes(config).items()
    }
    settings = Settings(config, device.facts, CAPACITY, chunk=8, ple_on_disk=True)
    model = Model.on(settings, tensors)
    decode = plan_decode(model)
    measure = Program("measure", 1, *_measure())
    shaders = json.loads(kernels_json(config, tensors))
    for buffer in (*model.weight_buffers(), *decode.buffers, *measure.buffers):
        device.create(buffer)
    for program in (decode, measure):
        asyncio.run(device.compile({one.name: shaders[one.name] for one in program.kernels}))
        asyncio.run(device.prepare(program))
    return needs(config, tensors).token


def _measure() -> tuple[tuple[Buffer, ...], tuple[Step, ...]]:
    sizes = {"measure.codes": N_IN * N_OUT // 2, "measure.x": 4 * N_IN, "measure.y": 4 * N_OUT}
    slices = tuple(Slice(name, 0, size) for name, size in sizes.items())
    step = replace(Measure(N_IN, N_OUT).step("", ()), slices=slices)
    return tuple(Buffer(name, size) for name, size in sizes.items()), (step,)


def seconds(device: NativeDevice, program: str) -> float:
    """One run, with a read at its end."""
    device.write("state", 0, State(POSITION, 1, capacity=CAPACITY).to_bytes())
    began = time.perf_counter()
    asyncio.run(device.replay(program, 1, STATE))
    return time.perf_counter() - began


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--adapter", choices=ADAPTERS, default="naga")
    parser.add_argument("--layers", type=int, default=10, help="by fives (%(default)s)")
    parser.add_argument("--runs", type=int, default=8)
    args = parser.parse_args()
    device = open_device(args.adapter, frozenset())
    token = prepare(device, args.layers)
    least = {"measure": N_IN * N_OUT // 2, "decode": token}
    runs = [{name: seconds(device, name) for name in least} for _ in range(args.runs)]
    rate = {name: size / min(run[name] for run in runs) for name, size in least.items()}
    print(f"{device.facts.adapter}: {token / 1e6:.0f} MB a token")
    print(f"measure {rate['measure'] / 1e9:.2f} GB/s, a token {rate['decode'] / 1e9:.2f} GB/s: "
          f"{rate['decode'] / rate['measure']:.2f} of it")  # fmt: skip


if __name__ == "__main__":
    main()

"""What a device's caches hold says nothing of its memory: matrices are measured out of the caches' reach."""

import asyncio
from collections import OrderedDict, defaultdict

import pytest

from gemtab.contracts.device_facts import DeviceFacts
from gemtab.contracts.manifest import Generation, Manifest, Tensor
from gemtab.contracts.names import tensor_shapes
from gemtab.generate.tuning import BUDGET_SECONDS, MEMORY_SHARE, MOST_BYTES, tuned
from gemtab.kernels.tuning import USUAL, Tuning
from gemtab.plan.accounts import cost_of
from gemtab.plan.settings import Settings
from helpers.tiny_model import tiny_config

CONFIG = tiny_config(
    hidden_size=1536, intermediate_size=6144, num_hidden_layers=15, layer_types=["sliding_attention"] * 15,
    num_kv_shared_layers=0, num_attention_heads=8, num_key_value_heads=1, head_dim=256,
    sliding_window=512, hidden_size_per_layer_input=256,
)  # fmt: skip
TENSORS = {
    name: Tensor(shape, "q4" if len(shape) == 2 else "f32", ())
    for name, shape in tensor_shapes(CONFIG).items()
}
MANIFEST = Manifest("large", "q4", CONFIG, Generation((1,)), {}, (), TENSORS, {})
SHADERS = defaultdict(lambda: {"features": []})
CACHE, GB = 64 << 20, 1e9
OF_MEMORY, OF_CACHE = 100 * GB, 1000 * GB  # bytes a second
MACS = 1e12  # a second


class CachingDevice:
    """A device of nothing but a clock: what its cache holds costs less. `slow` says how much longer a step takes."""

    def __init__(self, memory=0, speed=1.0, slow=lambda _: 1.0):
        self.facts = DeviceFacts("a GPU with a large cache", frozenset(), {}, memory)
        self.speed, self.slow = speed, slow
        self.now = 0.0
        self.cached, self.buffers, self.programs = OrderedDict(), {}, {}
        self.most = 0

    def create(self, buffer):
        self.buffers[buffer.name] = max(buffer.bytes, self.buffers.get(buffer.name, 0))
        self.most = max(self.most, sum(self.buffers.values()))

    def release(self, buffer):
        del self.buffers[buffer]

    def write(self, *_):
        pass

    async def compile(self, *_):
        pass

    async def prepare(self, program):
        assert all(one.buffer in self.buffers for step in program.steps for one in step.slices)
        self.programs[program.name] = program

    def forget(self, program):
        self.programs.pop(program, None)

    async def seconds(self, program, times):
        took = sum(map(self._took, self.programs[program].steps * times))
        self.now += took
        return took

    def _took(self, step):
        """Of a matrix's bytes, and of a chunk's products."""
        tokens = 1 if step.kernel.template == "matvec" else 64
        read = sum(self._reads(one) for one in step.slices if one.bytes == self.buffers[one.buffer])
        return max(read, cost_of(step, tokens, 0).macs / MACS) * self.slow(step) / self.speed

    def _reads(self, part):
        hit = self.cached.pop(part.buffer, None)
        self.cached[part.buffer] = part.bytes
        while sum(self.cached.values()) > CACHE:
            self.cached.popitem(last=False)
        return part.bytes / (OF_CACHE if hit else OF_MEMORY)


def tune(device):
    settings = Settings(CONFIG, device.facts, 512)
    return asyncio.run(tuned(device, MANIFEST, settings, SHADERS, lambda: device.now))


def test_the_speed_is_the_memorys():
    device = CachingDevice()

    assert tune(device).speed.bytes == pytest.approx(OF_MEMORY, rel=0.05)
    assert device.now <= BUDGET_SECONDS
    assert device.buffers == device.programs == {}


@pytest.mark.parametrize(("memory", "most"), [(0, MOST_BYTES), (1 << 30, 1 << 27)])
def test_stand_ins_take_a_part_of_the_memory(memory, most):
    device = CachingDevice(memory)
    tune(device)

    assert most / 4 < device.most <= 1.1 * most  # activations are not counted
    assert most == MOST_BYTES or most == memory * MEMORY_SHARE


def test_a_slow_device_takes_no_longer_for_it():
    device = CachingDevice(speed=1 / 100)  # a software adapter: 1 GB/s

    assert tune(device).speed.bytes > 0
    assert device.now <= 1.2 * BUDGET_SECONDS
    assert device.most < MOST_BYTES / 2


def wide_rows(step):
    return 0.5 if step.shape[0] >= 4096 and ("PART", 32) in step.kernel.params else 1.0


def few_rows(step):
    quick = step.shape[1] < 4096 and ("ROWS", 32) in step.kernel.params
    return 0.5 if quick else 1.5 if ("ROWS", 32) in step.kernel.params else 1.0


CLASSES = {
    "wide rows of a token": (wide_rows, Tuning(wide=Tuning(part=32))),
    "few rows of a chunk": (few_rows, Tuning(few=Tuning(tile_rows=32))),
    "none": (lambda _: 1.0, USUAL),
}


@pytest.mark.parametrize(("slow", "wanted"), CLASSES.values(), ids=CLASSES)
def test_each_class_of_shapes_has_its_own_sizes(slow, wanted):
    assert tune(CachingDevice(slow=slow)).tuning == wanted

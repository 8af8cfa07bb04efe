"""Where the largest table lies, and what is refused before anything is fetched."""

import pytest

from gemtab.contracts.device_facts import DeviceFacts
from gemtab.contracts.errors import DeviceError, UsageError
from gemtab.contracts.manifest import Tensor
from gemtab.contracts.names import tensor_shapes
from gemtab.plan.memory import LONG_DOWNLOAD, gpu_memory, place_table
from gemtab.plan.model import Model
from gemtab.plan.settings import Settings
from helpers.e2b_sizes import E2B, named_tensors
from helpers.tiny_model import tiny_config

CONFIG = tiny_config()
TENSORS = {
    name: Tensor(shape, "q4" if len(shape) == 2 else "f32", ())
    for name, shape in tensor_shapes(CONFIG).items()
}


def settings(capacity=1024, memory=0, **limits):
    facts = DeviceFacts("any", frozenset(), limits, memory)
    return Settings(CONFIG, facts, capacity)


def needed():
    return gpu_memory(Model.on(settings(), TENSORS))


def test_the_parts_of_memory_add_up():
    memory = needed()

    table = 1031 * 7 * 32 // 32 * 18  # q4: 18 bytes for 32 values
    assert 0 <= memory.table - table < 8
    assert memory.total == memory.weights + memory.cache + memory.scratch
    assert memory.weights > memory.table


@pytest.mark.parametrize(("spare", "on_disk"), [(0, False), (-1, True)])
def test_the_table_is_on_the_gpu_where_all_fits(spare, on_disk):
    total = needed().total

    assert place_table(settings(memory=total + spare), TENSORS).ple_on_disk == on_disk
    assert place_table(settings(), TENSORS, budget=total + spare).ple_on_disk == on_disk


def test_a_first_reply_does_not_wait_for_a_long_table():
    assert place_table(settings(), TENSORS, coming=LONG_DOWNLOAD + 1).ple_on_disk
    assert not place_table(settings(), TENSORS, coming=LONG_DOWNLOAD).ple_on_disk
    assert not place_table(settings(), TENSORS, "gpu", coming=LONG_DOWNLOAD + 1).ple_on_disk


def test_e2bs_table_stays_on_the_disk_of_a_phone_even_when_all_of_it_is_there():
    config = tiny_config(**E2B)
    tensors = named_tensors(config)
    phone, desk = (
        Settings(config, DeviceFacts("any", memory=memory), 4096) for memory in (1 << 30, 4 << 30)
    )

    assert place_table(phone, tensors, coming=0).ple_on_disk
    assert not place_table(desk, tensors, coming=0).ple_on_disk


def test_a_setting_overrides_the_budget():
    assert not place_table(settings(memory=1), TENSORS, "gpu").ple_on_disk
    assert place_table(settings(), TENSORS, "disk").ple_on_disk
    with pytest.raises(UsageError, match="--ple is one of auto, gpu, disk, got 'moon'"):
        place_table(settings(), TENSORS, "moon")


def test_a_context_too_long_for_the_device_is_refused_with_the_longest_that_fits():
    small = settings(4096, maxStorageBufferBindingSize=512 << 10)  # 256 bytes a key

    with pytest.raises(
        DeviceError, match=r"4096 tokens needs 1\.0 MiB at a time .* at most 0\.5\. .* at most 2048"
    ):
        place_table(small, TENSORS)

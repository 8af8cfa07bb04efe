"""A device is tuned: the quickest sizes are picked, wrong ones never, and it does not take long."""

import asyncio
import json

import pytest

from gemtab.contracts.device_facts import INTEGER_DOT
from gemtab.contracts.manifest import Generation, Manifest
from gemtab.generate.tuning import BUDGET_SECONDS, tuned
from gemtab.kernels.tuning import BY_CHUNK, BY_TOKEN, USUAL, Tuning
from gemtab.plan.settings import Settings
from gemtab.trial.notes import Memory
from gemtab_build.golden import packed
from gemtab_build.site.kernels_file import kernels_json
from helpers.devices import open_device
from helpers.engines import engine_logits, fitted_engine, memory_engine, relative_l2, tiny_artifact
from helpers.lying_device import LyingDevice
from helpers.tiny_model import tiny_config, tiny_tensors

CONFIG = tiny_config()
TENSORS = tiny_tensors(CONFIG)
ENCODINGS = {name: "q4" for name, values in TENSORS.items() if values.ndim == 2}
FEATURES = frozenset({"subgroups"})


class ScriptedDevice:
    """A device that says how long kernels take; `quick` is a part of the names of those that take less."""

    def __init__(self, device, quick="", seconds=0.02, gain=0.5):
        self._device = device
        self._programs = {}
        self.quick, self.long, self.gain = quick, seconds, gain
        self.now = 0.0
        self.timed = []

    def __getattr__(self, name):
        return getattr(self._device, name)

    async def prepare(self, program):
        self._programs[program.name] = program
        await self._device.prepare(program)

    async def seconds(self, program, times):
        names = [one.name for one in self._programs[program].kernels]
        self.timed += names
        is_quick = self.quick and any(self.quick in name for name in names)
        took = times * self.long * (self.gain if is_quick else 1)
        self.now += took
        return took


def tune(device):
    manifest, shaders = tiny_artifact(device, CONFIG, TENSORS, ENCODINGS)
    return tune_with(device, manifest, shaders)


def tune_with(device, manifest, shaders):
    settings = Settings(CONFIG, device.facts, 512)
    return asyncio.run(tuned(device, manifest, settings, shaders, lambda: device.now))


def plain():
    return open_device("naga", frozenset())


SIZES = [one for one in (*BY_TOKEN, *BY_CHUNK) if one.rows or one.tile]


@pytest.mark.parametrize("wanted", SIZES, ids=str)
def test_the_quickest_is_picked(wanted):
    quick = "-".join(f"{key}={value}" for key, value in (*wanted.rows, *wanted.tile))

    assert tune(ScriptedDevice(plain(), quick)).tuning == wanted


@pytest.mark.parametrize("gain", [0.95, 1.0, 1.3])
def test_what_gains_little_is_not_picked(gain):
    assert tune(ScriptedDevice(plain(), "PART=16", gain=gain)).tuning == USUAL


def test_the_speed_is_that_of_the_pick():
    slow, quick = tune(ScriptedDevice(plain())), tune(ScriptedDevice(plain(), "PART=16"))

    assert quick.speed.bytes == pytest.approx(2 * slow.speed.bytes)
    assert quick.speed.macs == slow.speed.macs


def test_a_slow_device_is_given_the_usual_sizes_after_a_look():
    device = ScriptedDevice(plain(), seconds=BUDGET_SECONDS)

    assert tune(device).tuning == USUAL
    assert not any("LANES=" in name or "TOKENS=" in name for name in device.timed)
    assert device.now == 4 * BUDGET_SECONDS  # the smallest matrix of each kind, warmed up


INTEGERS = {  # what is quick: the tuning
    "matmul_i8": Tuning(integer_tiles=True),
    "matvec-": Tuning(integer_rows=False),
    "no kernel": USUAL,
}


@pytest.mark.parametrize(("quick", "wanted"), INTEGERS.items(), ids=INTEGERS)
def test_integer_products_are_picked_where_they_are_quicker(quick, wanted):
    tensors = packed(CONFIG)
    manifest = Manifest("tiny", "packed", CONFIG, Generation((1,)), {}, (), tensors, {})
    shaders = json.loads(kernels_json(CONFIG, tensors))
    device = ScriptedDevice(open_device("naga", frozenset({INTEGER_DOT})), quick)

    assert tune_with(device, manifest, shaders).tuning == wanted


def test_a_wrong_kernel_is_never_picked():
    """The first candidate's sums are wrong by subgroups, and it is the quickest."""
    bad = LyingDevice(FEATURES)
    manifest, shaders = tiny_artifact(bad, CONFIG, TENSORS, ENCODINGS)
    right, wrong = "subgroupAdd(value)", "(1.001 * subgroupAdd(value))"
    spoilt = {
        name: {**one, "wgsl": one["wgsl"].replace(right, wrong)} if "PART=16" in name else one
        for name, one in shaders.items()
    }
    device = ScriptedDevice(bad, "PART=16")

    assert tune_with(device, manifest, spoilt).tuning == USUAL


@pytest.mark.parametrize("wanted", [BY_TOKEN[-1], BY_CHUNK[-1]], ids=str)
def test_a_tuned_engine_has_the_same_logits_and_is_tuned_once(wanted):
    quick = "-".join(f"{key}={value}" for key, value in (*wanted.rows, *wanted.tile))
    ids, notes = [2, *range(30, 60)], Memory()

    engine = fitted_engine(
        ScriptedDevice(LyingDevice(FEATURES), quick), CONFIG, TENSORS, notes, encodings=ENCODINGS
    )
    second = ScriptedDevice(LyingDevice(FEATURES))
    again = fitted_engine(second, CONFIG, TENSORS, notes, encodings=ENCODINGS)

    assert engine.settings.tuning == again.settings.tuning == wanted
    assert second.timed == []
    usual = memory_engine(plain(), CONFIG, TENSORS, encodings=ENCODINGS)
    assert relative_l2(engine_logits(engine, ids), engine_logits(usual, ids)).max() <= 5e-3

"""A model on a device that does not keep its word: found out, told, noted, and done without."""

import asyncio

import pytest

from gemtab.contracts.device_facts import DeviceFacts
from gemtab.contracts.errors import DeviceError
from gemtab.generate.fitting import MOST_TRIES, LateProof, fitted
from gemtab.generate.proving import picked_kernels
from gemtab.plan.model import Model
from gemtab.plan.settings import Settings
from gemtab.trial.notes import Memory, Note
from helpers.devices import open_device
from helpers.engines import (
    engine_logits,
    fitted_engine,
    memory_engine,
    relative_l2,
    tiny_artifact,
)
from helpers.every_form import every_form
from helpers.lying_device import LyingDevice
from helpers.tiny_model import tiny_config, tiny_tensors

BOTH = frozenset({"shader-f16", "subgroups"})
CONFIG = tiny_config()
TENSORS = tiny_tensors(CONFIG)
ENCODINGS = {name: "q4" for name, values in TENSORS.items() if values.ndim == 2}
IDS = [2, *range(30, 60)]
BAD_SUMS = ("subgroupAdd(value)", "(1.001 * subgroupAdd(value))")
BAD_HALVES = ("return vec2f(word);", "return vec2f(word).yx;")
NOT_WGSL = ("return vec2f(word);", "return vec2f(word;")
LIES = {  # lies, features that are left
    "none": ((), BOTH),
    "sums by subgroups": ((BAD_SUMS,), {"shader-f16"}),
    "halves of weights": ((BAD_HALVES,), {"subgroups"}),
    "a refused shader": ((NOT_WGSL,), {"subgroups"}),
    "both": ((BAD_SUMS, BAD_HALVES), set()),
    "a sum that is not a number": ((("subgroupAdd(value)", "(subgroupAdd(value) * log(-1.0 - f32(lane)))"),), {"shader-f16"}),
}  # fmt: skip


@pytest.fixture(scope="module")
def wanted():
    """Logits of a device without any feature."""
    plain = open_device("naga", frozenset())
    return engine_logits(memory_engine(plain, CONFIG, TENSORS, encodings=ENCODINGS), IDS)


@pytest.mark.parametrize(("lies", "left"), LIES.values(), ids=LIES)
def test_a_lie_is_told_and_done_without(lies, left, wanted):
    device, told, notes = LyingDevice(BOTH, *lies), [], Memory()

    engine = fitted_engine(device, CONFIG, TENSORS, notes, told.append, encodings=ENCODINGS)

    assert engine.settings.facts.features == left
    assert len(told) == 2 - len(left)
    for feature, line in zip(sorted(BOTH - left), told, strict=True):
        assert f"does not do {feature}" in line
    assert relative_l2(engine_logits(engine, IDS), wanted).max() <= 5e-3


def test_a_lie_that_is_not_looked_for_would_spoil_the_logits(wanted):
    """The lies above are lies: without the trial they go through."""
    device = LyingDevice(BOTH, BAD_HALVES)

    engine = memory_engine(device, CONFIG, TENSORS, encodings=ENCODINGS)

    assert relative_l2(engine_logits(engine, IDS), wanted).max() > 0.1


def test_what_was_noted_is_not_tried_again():
    notes, told = Memory(), []
    first = LyingDevice(BOTH, BAD_SUMS)
    fitted_engine(first, CONFIG, TENSORS, notes, encodings=ENCODINGS)
    assert first.trials > 0
    assert first.measured > 0

    second = LyingDevice(BOTH, BAD_SUMS)
    engine = fitted_engine(second, CONFIG, TENSORS, notes, told.append, encodings=ENCODINGS)

    assert second.trials == second.measured == 0
    assert engine.settings.facts.features == {"shader-f16"}
    assert "subgroups" in told[0]


WRONG_PICK = ("own[i] = order_of(", "own[i] = ~order_of(")


def test_a_plain_kernel_that_fails_is_refused_by_name():
    device, notes = LyingDevice(BOTH, WRONG_PICK), Memory()

    with pytest.raises(DeviceError, match="pick_slab computes a wrong candidates") as told:
        fitted_engine(device, CONFIG, TENSORS, notes, encodings=ENCODINGS)
    assert device.facts.adapter in str(told.value)
    assert "Update the graphics driver" in str(told.value)

    mended = LyingDevice(BOTH)
    fitted_engine(mended, CONFIG, TENSORS, notes, encodings=ENCODINGS)
    assert mended.trials > 0


def late_proof(device, notes):
    manifest, shaders = tiny_artifact(device, CONFIG, TENSORS, ENCODINGS, plain=True)
    settings = Settings(CONFIG, DeviceFacts(device.facts.adapter), 512)
    return LateProof(device, manifest, settings, shaders, notes)


def test_a_small_site_is_proven_late_and_once():
    device, notes = LyingDevice(BOTH), Memory()

    for _ in range(2):
        proof = late_proof(device, notes)
        assert not asyncio.run(proof.doubted())
        asyncio.run(proof.run())
        tried = device.trials
        asyncio.run(proof.run())
        assert device.trials == tried > 0
    again = late_proof(LyingDevice(BOTH), notes)
    asyncio.run(again.run())
    assert again._device.trials == 0


def test_a_small_site_on_a_gpu_that_fails_is_refused_and_doubted_from_then_on():
    notes = Memory()

    for visit in range(MOST_TRIES + 1):
        proof = late_proof(LyingDevice(BOTH, WRONG_PICK), notes)
        assert asyncio.run(proof.doubted()) == (visit > 0)
        with pytest.raises(DeviceError, match="pick_slab computes a wrong candidates"):
            asyncio.run(proof.run())

    asyncio.run(late_proof(LyingDevice(BOTH), notes).run())
    assert not asyncio.run(late_proof(LyingDevice(BOTH), notes).doubted())


def test_what_was_tried_and_measured_is_let_go_of():
    device = LyingDevice(BOTH)
    manifest, shaders = tiny_artifact(device, CONFIG, TENSORS, ENCODINGS)
    settings = Settings(CONFIG, device.facts, 512)

    fit = asyncio.run(fitted(device, manifest, settings, shaders, Memory()))

    assert device.trials > 0
    assert device.measured > 0
    assert device.held() == (0, 0)
    picked = picked_kernels(Model.on(fit, dict(manifest.tensors)))
    assert device._pipelines.keys() == {one.name for one in picked}


def test_a_site_of_plain_kernels_is_neither_tried_nor_measured(wanted):
    device, notes = LyingDevice(BOTH), Memory()

    engine = fitted_engine(device, CONFIG, TENSORS, notes, encodings=ENCODINGS, plain=True)

    assert device.trials == device.measured == 0
    assert notes.texts == {}
    assert engine.settings.facts.features == set()
    assert relative_l2(engine_logits(engine, IDS), wanted).max() <= 1e-5


def test_another_driver_is_tried_anew():
    notes = Memory()
    fitted_engine(LyingDevice(BOTH, BAD_SUMS), CONFIG, TENSORS, notes, encodings=ENCODINGS)
    mended = LyingDevice(BOTH)
    mended._facts = DeviceFacts(
        mended.facts.adapter, BOTH, mended.facts.limits, driver="a newer driver"
    )

    engine = fitted_engine(mended, CONFIG, TENSORS, notes, encodings=ENCODINGS)

    assert engine.settings.facts.features == BOTH


def test_a_device_lost_in_the_trial_twice_is_left_alone():
    class Lost(LyingDevice):
        async def replay(self, *_):
            raise ConnectionError("the process ended here")

    notes, told = Memory(), []
    for _ in range(MOST_TRIES):
        with pytest.raises(ConnectionError):
            fitted_engine(Lost(BOTH), CONFIG, TENSORS, notes, encodings=ENCODINGS)

    engine = fitted_engine(
        LyingDevice(BOTH), CONFIG, TENSORS, notes, told.append, encodings=ENCODINGS
    )

    assert engine.settings.facts.features == set()
    assert "failed in a test twice" in told[0]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"stamp": "now"', '{"stamp": "then", "tries": 5}']
)
def test_a_note_that_cannot_be_used_is_none(text):
    assert Note.from_text(text, "now") == Note("now")


def test_contexts_and_chunks_share_their_kernels():
    """What a note relies on: it does not tell contexts and chunks apart."""
    for config, tensors in every_form():
        found = set()
        for capacity, chunk in ((512, 16), (512, 128), (4096, 128), (4096, 512)):
            facts = DeviceFacts("any", BOTH, {})
            settings = Settings(config, facts, capacity, chunk=chunk)
            picked = picked_kernels(Model.on(settings, tensors))
            found.add(frozenset(one.name for one in picked))
        assert len(found) == 1


def test_a_device_without_features_is_tried_and_measured_too():
    device = LyingDevice(frozenset())

    engine = fitted_engine(device, CONFIG, TENSORS, Memory(), encodings=ENCODINGS)

    assert device.trials > 0
    assert device.measured > 0
    assert min(engine.settings.speed.macs, engine.settings.speed.bytes) > 0

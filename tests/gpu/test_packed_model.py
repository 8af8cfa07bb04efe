"""A packed checkpoint, built and run: float64's logits, wherever its tables lie and however they are split.

Where float32 falls on the other side of a tie, a code differs by one, and what follows differs by a
few hundredths: so each test bounds the middle of its positions, and what must be equal is equal.
"""

from dataclasses import replace

import numpy as np
import pytest

from gemtab.contracts.device_facts import INTEGER_DOT
from gemtab_build.artifact import build_artifact
from helpers import reference
from helpers.devices import on_devices
from helpers.engines import artifact_engine, engine_logits, engine_reply, relative_l2
from helpers.packed_checkpoint import write_packed

ROUNDING = 0.06  # without SRQ the toy's logits are 0.3 apart
CLEAR = 1.0  # between the best two logits


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packed")
    model = write_packed(folder / "hf")
    build_artifact(str(folder / "hf"), folder / "site")
    return model, folder / "site"


@pytest.fixture
def ids(packed, rng):
    return rng.integers(0, packed[0].config.vocab, 61).tolist()


def wins(logits):
    """Where the best logit is clear."""
    best = np.sort(logits, axis=1)[:, -2:]
    return best[:, 1] - best[:, 0] >= CLEAR


@on_devices(INTEGER_DOT)
@pytest.mark.parametrize("chunk", [1, 16])
def test_logits_are_those_of_float64(device, packed, ids, chunk):
    model, site = packed

    found = engine_logits(artifact_engine(device, site, kv="f32", chunk=chunk), ids)

    wanted = reference.logits(model.config, model.tensors, ids)
    clear = wins(wanted)
    assert np.median(relative_l2(found, wanted)) <= ROUNDING
    assert clear.sum() > 10
    assert np.array_equal(found.argmax(1)[clear], wanted.argmax(1)[clear])


@on_devices()
def test_a_single_token_has_no_ties_to_fall_from(device, packed, ids):
    model, site = packed
    engine = artifact_engine(device, site, kv="f32", chunk=1)

    errors = [
        relative_l2(
            engine_logits(engine, [one]), reference.logits(model.config, model.tensors, [one])
        )
        for one in ids[:11]
    ]

    assert np.quantile(errors, 0.75) <= 1e-5


@on_devices(INTEGER_DOT)
def test_a_reply_takes_the_winners(device, packed, ids):
    model, site = packed
    engine = artifact_engine(device, site, kv="f32", chunk=16)

    reply = engine_reply(engine, ids[:29], max_tokens=13).ids

    along = [*ids[:29], *reply]
    wanted = reference.logits(model.config, model.tensors, along)[28:-1]
    clear = wins(wanted)
    assert clear.any()
    assert np.array_equal(np.array(reply)[clear], wanted.argmax(1)[clear])


def test_tables_in_parts_or_on_disk_change_nothing(device, packed, ids, monkeypatch):
    _, site = packed
    whole = engine_logits(artifact_engine(device, site, kv="f32", chunk=3), ids)

    on_disk = engine_logits(artifact_engine(device, site, kv="f32", chunk=3, ple_on_disk=True), ids)
    narrow = replace(device.facts, limits={"maxStorageBufferBindingSize": 20480})
    monkeypatch.setattr(type(device), "facts", narrow)
    engine = artifact_engine(device, site, kv="f32", chunk=3)
    parts = {name: len(parts) for name, parts in engine.model.parts.items()}

    assert parts["head"] == 4
    assert parts["ple.embed"] > 8
    assert np.array_equal(on_disk, whole)
    assert np.array_equal(engine_logits(engine, ids), whole)

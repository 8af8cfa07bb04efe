"""The whole decoder on a GPU against float64: every position's logits, over shapes, chunks, caches."""

import numpy as np
import pytest

from helpers.devices import on_devices
from helpers.engines import engine_logits, memory_engine, relative_l2
from helpers.reference import logits as reference_logits
from helpers.tiny_model import SHAPES, tiny_config, tiny_tensors

TOKENS = 61  # prime, past the window of 24 and past every chunk below
BOUNDS = {"f32": 1e-4, "f16": 2e-2, "q8": 1e-1}


def prompt(config, rng, tokens=TOKENS):
    return rng.integers(0, config.vocab, tokens).tolist()


@pytest.mark.parametrize("changes", SHAPES.values(), ids=SHAPES)
def test_matches_float64_in_every_shape(device, rng, changes):
    config = tiny_config(**changes)
    tensors = tiny_tensors(config)
    ids = prompt(config, rng)
    engine = memory_engine(device, config, tensors, kv="f32", chunk=16)

    found = engine_logits(engine, ids)

    wanted = reference_logits(config, tensors, ids)
    assert relative_l2(found, wanted).max() <= BOUNDS["f32"]
    assert np.array_equal(found.argmax(1), wanted.argmax(1))


@on_devices("shader-f16", "subgroups", adapters=["naga"])
@pytest.mark.parametrize("kv", BOUNDS)
def test_matches_float64_with_every_feature_set_and_cache(device, rng, kv):
    check(device, rng, kv)


@on_devices("shader-f16", "subgroups", adapters=["tint", "tint on mesa"])
def test_matches_float64_under_tint(device, rng):
    check(device, rng, "f16", tokens=29)  # past the window: SwiftShader is slow


def check(device, rng, kv, tokens=TOKENS):
    config = tiny_config()
    tensors = tiny_tensors(config)
    ids = prompt(config, rng, tokens)
    engine = memory_engine(device, config, tensors, kv=kv, chunk=32)

    found = engine_logits(engine, ids)

    assert relative_l2(found, reference_logits(config, tensors, ids)).max() <= BOUNDS[kv]


@pytest.mark.parametrize("chunk", [1, 7, 64])
def test_the_chunk_changes_nothing(device, rng, chunk):
    config = tiny_config()
    tensors = tiny_tensors(config)
    ids = prompt(config, rng)
    engine = memory_engine(device, config, tensors, kv="f32", chunk=chunk, whole_limit=0)

    found = engine_logits(engine, ids)

    assert relative_l2(found, reference_logits(config, tensors, ids)).max() <= BOUNDS["f32"]

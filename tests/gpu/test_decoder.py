"""The whole decoder on a GPU against float64: every position's logits, over shapes, chunks, caches."""

from dataclasses import replace

import numpy as np
import pytest

from gemtab_build.weights.quantize import choose_encoding, decode, encode
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


@pytest.mark.parametrize("largest", [130_000, 12_288], ids=["layers apart", "all in parts"])
def test_what_a_device_cannot_bind_together_changes_nothing(device, rng, monkeypatch, largest):
    config = tiny_config()
    tensors = tiny_tensors(config)
    ids = prompt(config, rng, 11)
    narrow = replace(device.facts, limits={"maxStorageBufferBindingSize": largest})
    monkeypatch.setattr(type(device), "facts", narrow)
    engine = memory_engine(device, config, tensors, kv="f32", chunk=3)
    parts = {name: len(found) for name, found in engine.model.parts.items()}

    found = engine_logits(engine, ids)

    assert not engine.model.joined(("layers.2.q", "layers.2.k", "layers.2.v"))
    assert not engine.model.joined(("layers.4.gate", "layers.4.up"))
    assert (parts["layers.0.ple_gate"] > 1) == (largest == 12_288)
    assert relative_l2(found, reference_logits(config, tensors, ids)).max() <= BOUNDS["f32"]


MIXTURES = {  # the encoding of each of a layer's matrices in turn
    "alike": ["q4"],
    "each another": ["q4", "f16", "q8", "f32"],
}


@pytest.mark.parametrize("mixture", MIXTURES.values(), ids=MIXTURES)
def test_matrices_encoded_alike_and_each_another_way(device, rng, mixture):
    config = tiny_config()
    tensors = tiny_tensors(config)
    matrices = [name for name, values in tensors.items() if values.ndim == 2]
    encodings = {
        name: choose_encoding(tensors[name].shape, mixture[number % len(mixture)])
        for number, name in enumerate(matrices)
    }
    for name, encoding in encodings.items():
        values = tensors[name]
        tensors[name] = decode(encode(values, encoding), encoding, *values.shape)
    ids = prompt(config, rng, 11)
    engine = memory_engine(device, config, tensors, kv="f32", encodings=encodings, chunk=3)

    found = engine_logits(engine, ids)

    pairs = [(f"layers.{index}.gate", f"layers.{index}.up") for index in range(7)]
    assert all(engine.model.joined(pair) == (len(mixture) == 1) for pair in pairs)
    assert relative_l2(found, reference_logits(config, tensors, ids)).max() <= BOUNDS["f32"]

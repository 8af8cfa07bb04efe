"""Encodings: what comes back, how near it is, and what is refused."""

import numpy as np
import pytest

from gemtab.contracts.errors import CheckpointError
from gemtab.contracts.quantization import planes
from gemtab_build.weights.quantize import choose_encoding, decode, encode


@pytest.mark.parametrize("encoding", ["f32", "f16", "q8", "q4"])
@pytest.mark.parametrize(("rows", "width"), [(1, 32), (7, 160), (8, 96)])
def test_planes_have_their_size_and_values_come_back(rng, encoding, rows, width):
    values = rng.standard_normal((rows, width)).astype(np.float32)
    made = encode(values, encoding)
    assert {p.name: p.bytes(rows) for p in planes(encoding, width)} == {
        name: len(data) for name, data in made.items()
    }
    error = np.abs(decode(made, encoding, rows, width) - values).reshape(rows, -1, 32)
    peak = np.abs(values).reshape(rows, -1, 32).max(axis=2, keepdims=True)
    # half a step, one whole step at the clipped end of q4, and the rounding of the f16 scale
    bound = {"f32": 0, "f16": 2**-11, "q8": 0.5 / 127 + 2**-11, "q4": 1 / 8 + 2**-10}[encoding]
    assert (error <= bound * peak).all()


def test_q4_gives_back_its_own_grid_exactly(rng):
    codes = rng.integers(-8, 8, (5, 3, 32))
    codes[:, :, 11] = -8
    scales = rng.standard_normal((5, 3, 1)).astype(np.float16).astype(np.float32)
    values = (codes * scales).astype(np.float32).reshape(5, 96)
    assert np.array_equal(decode(encode(values, "q4"), "q4", 5, 96), values)


def test_q4_packs_the_low_nibble_first():
    values = np.zeros((1, 32), np.float32)
    values[0, :3] = [-8, 7, 1]
    assert encode(values, "q4")["codes"][:2] == bytes([0 | 15 << 4, 9 | 8 << 4])


def test_blocks_of_zeros_and_of_tiny_values_become_zeros():
    values = np.full((2, 32), 1e-12, np.float32)
    values[0] = 0
    for encoding in ("q4", "q8"):
        assert not decode(encode(values, encoding), encoding, 2, 32).any()


@pytest.mark.parametrize("encoding", ["f32", "f16", "q8", "q4"])
def test_what_is_not_finite_is_refused(encoding):
    with pytest.raises(CheckpointError, match="not finite"):
        encode(np.full((1, 32), np.nan, np.float32), encoding)


def test_widths_that_do_not_fit_fall_back():
    assert choose_encoding((7, 160), "q4") == "q4"
    assert choose_encoding((7, 16), "q4") == "f16"
    assert choose_encoding((7, 33), "q8") == "f32"
    assert choose_encoding((7, 33), "f16") == "f32"
    assert choose_encoding((160,), "q4") == "f32"

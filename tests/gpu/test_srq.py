"""Packed weights with SRQ on a GPU, kernel by kernel and whole, against float64: the same int8 codes come out."""

import numpy as np
import pytest

from gemtab.contracts.errors import ShapeError
from gemtab.kernels.embed import Embed
from gemtab.kernels.matmul import Matmul
from gemtab_build.packed_codes import unpack
from helpers.devices import on_devices
from helpers.dispatch import dispatch, state_words, untouched, unwritten
from helpers.srq import SrqLinear, grid_codes, pack, quantize

STEPS = {"both": (0.031, 0.11), "input": (0.031, 0.0), "output": (0.0, 0.11), "none": None}
WIDTHS = {"w2": 176, "w4": 152, "w8": 148}  # whole words, and no more than that


def planes(linear, form):
    return {"codes": pack(linear.codes, form), "scales": linear.scales}


def product(device, kernel, x, linear):
    """y [tokens, stride], with what the kernel left alone as it was."""
    arrays = {"x": x, "y": unwritten(len(x), kernel.stride), **planes(linear, kernel.encoding)}
    step = kernel.step(len(x), "", ())
    return dispatch(device, step, state=state_words(tokens=len(x)), **arrays)["y"]


@on_devices()
@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("form", WIDTHS)
@pytest.mark.parametrize("tokens", [1, 37])
def test_a_linear_gives_the_codes_of_float64(device, rng, tokens, form, steps):
    rows, width = 67, WIDTHS[form]
    codes, scales = quantize(rng.standard_normal((rows, width)) * width**-0.5, form)
    linear = SrqLinear(codes, scales, STEPS[steps] or (0.0, 0.0))
    x = rng.standard_normal((tokens, width)).astype(np.float32) * 2  # a few past ±127 steps
    kernel = Matmul(form, width, rows, 3, rows + 5, srq=STEPS[steps])

    y = product(device, kernel, x, linear)

    assert untouched(y[:, [0, 1, 2, -2, -1]]).all()
    found, wanted = y[:, 3:-2], linear(x)
    step = linear.steps[1]
    if step:
        apart = np.abs(grid_codes(found, step) - grid_codes(wanted, step))
        assert np.allclose(found, grid_codes(found, step) * step, rtol=1e-6)
        assert apart.max() <= 1
        assert (apart != 0).mean() <= 1e-3
    else:
        assert np.abs(found - wanted).max() <= 1e-5 * np.abs(wanted).max()


@on_devices()
def test_ties_go_to_even_and_codes_end_at_127(device):
    x = np.array([[0.5, 1.5, 2.5, -0.5, -1.5, 126.5, 127.5, 300, -127.5, -128.5, -129, 0]])
    linear = SrqLinear(np.eye(12, dtype=np.int8), np.ones((12, 1), np.float32), (0.25, 0.0))
    kernel = Matmul("w8", 12, 12, srq=linear.steps)

    found = product(device, kernel, x.astype(np.float32) / 4, linear)

    assert (found * 4).tolist() == [[0, 2, 2, 0, -2, 126, 127, 127, -128, -128, -128, 0]]


@on_devices()
@pytest.mark.parametrize(("form", "scales"), [("w2", 1), ("w4", 1), ("w4", 19), ("w8", 1)])
def test_a_tables_rows_are_its_codes_times_their_scales(device, rng, form, scales):
    rows, width, tokens = 59, 304, 7
    codes, scale = quantize(rng.standard_normal((rows, width)), form, scales)
    packed = {"codes": pack(codes, form), "scales": scale}
    ids = rng.integers(0, rows, tokens).astype(np.uint32)
    kernel = Embed(form if scales == 1 else f"{form}/{scales}", width, rows, 0, 12.25)

    found = dispatch(
        device, kernel.step(tokens, "", ()), ids=ids, y=unwritten(tokens, width),
        state=state_words(tokens=tokens), **packed,
    )["y"]  # fmt: skip

    stored = {name: array.tobytes() for name, array in packed.items()}
    wanted = unpack(stored, kernel.encoding, rows, width)[ids] * np.float32(12.25)
    assert np.array_equal(found, wanted)


def test_rows_that_do_not_fill_words_are_refused():
    with pytest.raises(ShapeError, match=r"w2 takes rows of whole words, multiples of 16 .* 84"):
        Matmul("w2", 84, 8)
    with pytest.raises(ShapeError, match=r"3 scales a row .* same multiple of 4 of 64"):
        Embed("w4/3", 64, 8, 0, 1.0)
    with pytest.raises(ShapeError, match="one scale a row, this one is w4/2"):
        Matmul("w4/2", 64, 8)
    with pytest.raises(ShapeError, match="not with q4"):
        Matmul("q4", 64, 8, srq=(0.1, 0.1))

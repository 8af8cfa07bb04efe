"""Packed weights with SRQ on a GPU, kernel by kernel and whole, against float64: the same int8 codes come out."""

import numpy as np
import pytest

from gemtab.contracts.errors import ShapeError
from gemtab.kernels.embed import Embed
from gemtab.kernels.ends import Grids, Sink
from gemtab.kernels.matmul import FEW, TILE_ROWS, Matmul
from gemtab_build.checkpoint.packed_codes import unpack
from helpers.devices import on_devices
from helpers.dispatch import dispatch, state_words, untouched, unwritten
from helpers.reference import gelu
from helpers.srq import SrqLinear, grid_codes, pack, quantize

STEPS = {"both": (0.031, 0.11), "input": (0.031, 0.0), "output": (0.0, 0.11), "none": None}
WIDTHS = {"w2": 176, "w4": 152, "w8": 148}  # whole words, and no more than that


def planes(linear, form):
    return {"codes": pack(linear.codes, form), "scales": linear.scales}


def product(device, kernel, x, linear):
    """y [tokens, stride], with what the kernel left alone as it was."""
    arrays = {"x": x, "y": unwritten(len(x), kernel.stride), **planes(linear, kernel.encoding)}
    arrays["inputs"] = unwritten(1)
    step = kernel.step(len(x), "", ())
    return dispatch(device, step, state=state_words(tokens=len(x)), **arrays)["y"]


@on_devices()
@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("form", WIDTHS)
@pytest.mark.parametrize("tokens", [1, 5, 37])
def test_a_linear_gives_the_codes_of_float64(device, rng, tokens, form, steps):
    rows, width = 67, WIDTHS[form]
    codes, scales = quantize(rng.standard_normal((rows, width)) * width**-0.5, form)
    linear = SrqLinear(codes, scales, STEPS[steps] or (0.0, 0.0))
    x = rng.standard_normal((tokens, width)).astype(np.float32) * 2  # a few past ±127 steps
    kernel = Matmul(form, width, rows, 3, rows + 5, srq=grids(linear))

    y = product(device, kernel, x, linear)

    assert untouched(y[:, [0, 1, 2, -2, -1]]).all()
    check(y[:, 3:-2], linear(x), linear.steps[1])


def grids(*linears):
    """Those of linears whose rows lie one after the other."""
    rows = [len(one.codes) for one in linears]
    return tuple(Grids(*one.steps, sum(rows[:index])) for index, one in enumerate(linears))


def check(found, wanted, step):
    """The same codes where y has a grid, else float64's y as near as f32 comes."""
    if step:
        apart = np.abs(grid_codes(found, step) - grid_codes(wanted, step))
        assert np.allclose(found, grid_codes(found, step) * step, rtol=1e-6)
        assert apart.max() <= 1
        assert (apart != 0).mean() <= 1e-3
    else:
        assert np.abs(found - wanted).max() <= 1e-5 * np.abs(wanted).max()


def random_linear(rng, form, rows, width, steps):
    codes, scales = quantize(rng.standard_normal((rows, width)) * width**-0.5, form)
    return SrqLinear(codes, scales, steps)


def joined(*linears):
    """One linear of their rows, for `product`."""
    return SrqLinear(
        *(np.concatenate([getattr(one, name) for one in linears]) for name in ("codes", "scales"))
    )


JOINED = {1: (20, 4, 43), 5: (20, 4, 43), 37: (TILE_ROWS, 2 * TILE_ROWS, 43)}  # rows, by tokens
EACH = ((0.031, 0.11), (0.0, 0.07), (0.017, 0.0))


@on_devices()
@pytest.mark.parametrize("form", WIDTHS)
@pytest.mark.parametrize("tokens", JOINED)
def test_joined_linears_keep_their_own_grids(device, rng, tokens, form):
    width = WIDTHS[form]
    parts = [
        random_linear(rng, form, rows, width, steps)
        for rows, steps in zip(JOINED[tokens], EACH, strict=True)
    ]
    x = rng.standard_normal((tokens, width)).astype(np.float32) * 2
    whole = joined(*parts)
    kernel = Matmul(form, width, len(whole.codes), 3, len(whole.codes) + 5, srq=grids(*parts))

    y = product(device, kernel, x, whole)

    assert untouched(y[:, [0, 1, 2, -2, -1]]).all()
    first = 3
    for part in parts:
        check(y[:, first : first + len(part.codes)], part(x), part.steps[1])
        first += len(part.codes)


@on_devices()
@pytest.mark.parametrize("form", WIDTHS)
def test_a_gate_and_what_it_gates_have_grids_of_their_own(device, rng, form):
    """The product has no grid: gelu of each code of the gate, times a code of up."""
    width = WIDTHS[form]
    for rows in (1, 16, 37, 67):  # less than a quad, a workgroup's rows, and odd numbers past it
        gate, up = (random_linear(rng, form, rows, width, steps) for steps in EACH[:2])
        x = rng.standard_normal((1, width)).astype(np.float32) * 2
        kernel = Matmul(form, width, rows, 3, rows + 5, srq=grids(gate, up), sink=Sink("gated"))

        y = product(device, kernel, x, joined(gate, up))

        assert untouched(y[:, [0, 1, 2, -2, -1]]).all()
        wanted = gelu(gate(x)) * up(x)
        # where f32 falls on the other side of a tie, a code of one of both is the next
        off = 1.13 * gate.steps[1] * np.abs(up(x)) + np.abs(gelu(gate(x))) * up.steps[1] + 0.01
        exact = np.abs(y[:, 3:-2] - wanted) <= 1e-4 * (np.abs(up(x)) + 1)
        assert np.all(np.abs(y[:, 3:-2] - wanted) <= off)
        assert (~exact).sum() <= 1


def test_grids_do_not_change_within_what_has_one_input():
    parts = (Grids(0.1, 0.1), Grids(0.2, 0.1, 62))
    with pytest.raises(ShapeError, match="change within what has one input"):
        Matmul("w4", 64, 124, srq=parts).step(1, "", ())
    parts = (Grids(0.1, 0.1), Grids(0.2, 0.1, 60))
    Matmul("w4", 64, 124, srq=parts).step(FEW, "", ())
    with pytest.raises(ShapeError, match="change within what has one input"):
        Matmul("w4", 64, 124, srq=parts).step(FEW + 1, "", ())
    with pytest.raises(ShapeError, match="at most 3 matrices"):
        Matmul("w4", 64, 124, srq=parts * 2)


@on_devices()
def test_ties_go_to_even_and_codes_end_at_127(device):
    x = np.array([[0.5, 1.5, 2.5, -0.5, -1.5, 126.5, 127.5, 300, -127.5, -128.5, -129, 0]])
    linear = SrqLinear(np.eye(12, dtype=np.int8), np.ones((12, 1), np.float32), (0.25, 0.0))
    kernel = Matmul("w8", 12, 12, srq=(Grids(*linear.steps),))

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
        Matmul("q4", 64, 8, srq=(Grids(0.1, 0.1),))

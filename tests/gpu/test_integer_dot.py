"""Products of int8 codes against those of floats: the same whole numbers, so the same y to the last bit."""

from dataclasses import replace

import numpy as np
import pytest

from gemtab.contracts.device_facts import INTEGER_DOT
from gemtab.contracts.quantization import PACKED_OFFSET
from gemtab.kernels.ends import Grids, Sink, Source
from gemtab.kernels.matmul import TILE_ROWS, Matmul
from gemtab.kernels.variant import PLAIN, Variant
from helpers.devices import on_devices
from helpers.dispatch import SPOILT, dispatch, state_words, untouched, unwritten
from helpers.srq import SrqLinear, pack, quantize

FORMS = ("w2", "w4", "w8")
WIDTHS = (32, 352, 1184)  # one block, an odd number of them, more than lanes take in one go
BOTH = Variant(integer_dot=True, integer_tiles=True)
STEPS = ((0.031, 0.11), (0.017, 0.07), (0.053, 0.0))
on_integer_devices = on_devices(always=(INTEGER_DOT,))


def linears(rng, form, rows, width, steps=STEPS):
    """A linear for each number of rows."""
    made = []
    for count, own in zip(rows, steps, strict=False):
        codes, scales = quantize(rng.standard_normal((count, width)) * width**-0.5, form)
        made.append(SrqLinear(codes, scales, own))
    return made


def both(device, form, parts, x, n_out, template, **more):
    """y [tokens, stride] as integers make it, and as floats do."""
    width, tokens = parts[0].codes.shape[1], len(x)
    rows = [len(one.codes) for one in parts]
    srq = tuple(Grids(*one.steps, sum(rows[:index])) for index, one in enumerate(parts))
    arrays = {
        "codes": pack(np.concatenate([one.codes for one in parts]), form),
        "scales": np.concatenate([one.scales for one in parts]),
        "inputs": unwritten(1),
        **more.pop("arrays", {}),
    }
    found = []
    for variant, wanted in ((BOTH, template), (PLAIN, template.removesuffix("_i8"))):
        kernel = Matmul(form, width, n_out, 3, n_out + 5, variant=variant, srq=srq, **more)
        step = kernel.step(tokens, "", ())
        assert step.kernel.template == wanted
        y, state = unwritten(tokens, kernel.stride), state_words(tokens=tokens)
        found.append(dispatch(device, step, x=x, y=y, state=state, **arrays)["y"])
    return found


def check_alike(found):
    integers, floats = found
    assert untouched(integers[:, [0, 1, 2, -2, -1]]).all()
    assert np.isfinite(integers[:, 3:-2]).all()
    assert np.array_equal(integers[:, 3:-2], floats[:, 3:-2])


@on_integer_devices
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("tokens", "template"), [(1, "matvec_i8"), (71, "matmul_i8")])
def test_a_linear_gives_the_same(device, rng, tokens, template, form, width):
    (linear,) = linears(rng, form, [67], width)
    x = rng.standard_normal((tokens, width)).astype(np.float32) * 2  # a few past ±127 steps

    found = both(device, form, [linear], x, 67, template)

    check_alike(found)
    apart = np.abs(found[0][:, 3:-2] - linear(x)) / linear.steps[1]
    assert apart.max() <= 1.001  # float64's code, or where f32 falls on the other side, the next
    assert (apart > 0.001).mean() <= 1e-3


@on_integer_devices
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("tokens", [1, 71])
def test_joined_linears_keep_their_own_grids(device, rng, tokens, form):
    parts = linears(rng, form, [TILE_ROWS, 2 * TILE_ROWS, 43], 352)
    x = rng.standard_normal((tokens, 352)).astype(np.float32) * 2

    template = "matvec_i8" if tokens == 1 else "matmul_i8"
    check_alike(both(device, form, parts, x, 3 * TILE_ROWS + 43, template))


@on_integer_devices
@pytest.mark.parametrize("form", FORMS)
def test_one_input_grid_may_end_anywhere(device, rng, form):
    steps = [(0.031, 0.11), (0.031, 0.07), (0.031, 0.0)]
    parts = linears(rng, form, [20, 4, 43], 352, steps)
    x = rng.standard_normal((1, 352)).astype(np.float32) * 2

    check_alike(both(device, form, parts, x, 67, "matvec_i8"))


def test_grids_that_change_within_a_workgroup_are_left_to_floats():
    for rows, template in ((20, "matvec"), (32, "matvec_i8")):
        srq = (Grids(0.1, 0.1), Grids(0.2, 0.1, rows))
        assert Matmul("w4", 352, 67, variant=BOTH, srq=srq).template(1) == template


def test_what_has_no_grid_or_does_not_fit_is_left_to_floats():
    def template(n_in=352, tokens=1, grids=(0.1, 0.1), source="plain"):
        kernel = Matmul("w4", n_in, 64, variant=BOTH, srq=(Grids(*grids),), source=Source(source))
        return kernel.template(tokens)

    assert template(grids=(0.0, 0.1)) == template(n_in=360) == template(n_in=16384) == "matvec"
    assert template(n_in=12288) == template(n_in=2560, source="stream") == "matvec_i8"
    assert template(n_in=3072, source="stream") == "matvec"
    assert template(grids=(0.0, 0.1), tokens=33) == template(n_in=360, tokens=33) == "matmul"
    assert Matmul("w4", 352, 64, variant=BOTH).template(1) == "matvec"


@on_integer_devices
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("steps", [STEPS[:2], STEPS[:1] * 2], ids=["two grids", "one grid"])
def test_a_gate(device, rng, steps, form):
    for rows in (1, 16, 37, 67):  # less than a quad, a workgroup's rows, and odd numbers past it
        parts = linears(rng, form, [rows, rows], 352, steps)
        x = rng.standard_normal((1, 352)).astype(np.float32) * 2

        check_alike(both(device, form, parts, x, rows, "matvec_i8", sink=Sink("gated")))


@on_integer_devices
@pytest.mark.parametrize("post_norm", [None, 128])
@pytest.mark.parametrize("sink", ["plain", "gated", "ple", "softcap"])
def test_after_every_source_and_before_every_sink(device, rng, sink, post_norm):
    n_in, rows = 352, 37
    vectors = np.full(4 * 256, SPOILT).view(np.float32)
    vectors[64 : 64 + n_in], vectors[512 : 512 + n_in] = rng.uniform(-2, 2, (2, n_in))
    vectors[960] = 0.37
    source = Source("stream", 1e-6, norm=16, post_norm=post_norm, scalar=240)
    parts = linears(rng, "w4", [rows] * (1 + (sink == "gated")), n_in)
    x, branch = rng.standard_normal((2, 1, n_in)).astype(np.float32)
    inputs = rng.standard_normal(60).astype(np.float32)
    arrays = {"vectors": vectors, "branch": branch, "next": unwritten(n_in), "inputs": inputs}

    found = both(
        device, "w4", parts, x, rows, "matvec_i8",
        source=source, sink=Sink(sink, first_input=5, cap=3.0), arrays=arrays,
    )  # fmt: skip

    check_alike(found)


@on_integer_devices
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("tokens", "template"), [(1, "matvec_i8"), (33, "matmul_i8")])
def test_the_largest_sums_do_not_overflow(device, tokens, template, form):
    """All codes at the end of their range, and as many as E2B's widest matrix has."""
    lowest = -128 if form == "w8" else -PACKED_OFFSET[form]
    width = 12288 if form != "w8" else 1024  # floats are exact up to 2^24
    linear = SrqLinear(
        np.full((5, width), lowest, np.int8), np.ones((5, 1), np.float32), (1.0, 0.0)
    )
    x = np.full((tokens, width), -1000.0, np.float32)

    found = both(device, form, [linear], x, 5, template)

    check_alike(found)
    assert np.all(found[0][:, 3:-2] == width * 128 * -lowest)


def test_a_variant_without_the_feature_takes_floats():
    srq = (Grids(0.1, 0.1),)
    assert (
        Matmul("w4", 352, 64, variant=replace(BOTH, integer_dot=False), srq=srq).template(1)
        == "matvec"
    )
    assert Variant.of({INTEGER_DOT}).integer_dot
    assert not Variant.of({INTEGER_DOT}).integer_tiles

"""gelu_mul and softcap alone against float64, far past where tanh is flat."""

import numpy as np
import pytest

from gemtab.kernels.elementwise import GeluMul, Softcap
from helpers.devices import on_devices
from helpers.dispatch import dispatch, state_words, untouched, unwritten
from helpers.reference import gelu
from helpers.tolerance import gelu_bound, softcap_bound, sum_bound

PLANNED, TOKENS = 5, 3
HUGE = [0.0, 1e-30, 1e-4, 5.0, 9.0, 11.0, 88.0, 89.0, 710.0, 1e4, 1e12, 1e30, 3e38]
BOTH_SIGNS = np.array([*HUGE, *(-x for x in HUGE)], np.float32)


def rows(rng, width, size):
    """[PLANNED, width]: a kernel that works in place must leave rows past TOKENS as they are."""
    return (rng.standard_normal((PLANNED, width)) * size).astype(np.float32)


def check_gelu_mul(y, a, b):
    """The first TOKENS rows are gelu(a) · b, and the rest is untouched."""
    x, factor = a[:TOKENS].astype(np.float64), b[:TOKENS].astype(np.float64)
    wanted = gelu(x) * factor
    bound = gelu_bound(x) * np.abs(factor) + sum_bound(np.abs(wanted), 1)
    assert np.all(np.abs(y[:TOKENS] - wanted) <= bound)
    assert untouched(y[TOKENS:]).all()


@on_devices()
@pytest.mark.parametrize("n", [1, 64, 67, 193])
def test_gelu_mul_with_columns_of_wider_rows(device, rng, n):
    a, b, first = rows(rng, n + 3, 3), rows(rng, n + 11, 3), 7
    step = GeluMul(n, n + 3, n + 11, first).step(PLANNED, "", ())
    arrays = {"a": a, "b": b, "y": unwritten(PLANNED, n), "state": state_words(4, TOKENS)}

    y = dispatch(device, step, **arrays)["y"]

    check_gelu_mul(y, a[:, :n], b[:, first : first + n])


@on_devices()
def test_gelu_mul_of_two_halves_of_the_same_rows(device, rng):
    n = 67
    both = rows(rng, 2 * n, 3)
    step = GeluMul(n, 2 * n, 2 * n, n).step(PLANNED, "", ())
    arrays = {"a": both, "y": unwritten(PLANNED, n), "state": state_words(4, TOKENS)}

    y = dispatch(device, step, same={"b": "a"}, **arrays)["y"]

    check_gelu_mul(y, both[:, :n], both[:, n:])


@on_devices()
def test_gelu_of_huge_values_is_the_value_or_zero(device):
    n = len(BOTH_SIGNS)
    step = GeluMul(n, n, n).step(1, "", ())
    arrays = {"a": BOTH_SIGNS[None], "b": np.ones((1, n), np.float32), "state": state_words()}

    found = dispatch(device, step, y=unwritten(1, n), **arrays)["y"][0]

    far = np.abs(BOTH_SIGNS) >= 9
    assert np.array_equal(found[far], np.maximum(BOTH_SIGNS[far], 0))
    assert np.all(np.isfinite(found))


@on_devices()
@pytest.mark.parametrize("n", [1, 64, 67, 193])
def test_softcap(device, rng, n):
    cap = 30.0
    x = rows(rng, n, 60)

    found = dispatch(
        device, Softcap(n, cap).step(PLANNED, "", ()), x=x, state=state_words(4, TOKENS)
    )["x"]

    wanted = cap * np.tanh(x[:TOKENS].astype(np.float64) / cap)
    assert np.all(np.abs(found[:TOKENS] - wanted) <= softcap_bound(x[:TOKENS], cap))
    assert np.array_equal(found[TOKENS:], x[TOKENS:])


@on_devices()
def test_softcap_of_huge_values_is_the_cap(device):
    n, cap = len(BOTH_SIGNS), 30.0

    x = BOTH_SIGNS[None]
    found = dispatch(device, Softcap(n, cap).step(1, "", ()), x=x, state=state_words())["x"][0]

    far = np.abs(BOTH_SIGNS) >= 710
    assert np.array_equal(found[far], cap * np.sign(BOTH_SIGNS[far]))
    assert np.all(np.abs(found) <= cap)

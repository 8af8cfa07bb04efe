"""gelu_mul and softcap alone against float64, far past where tanh is flat."""

import numpy as np
import pytest

from gemtab.kernels.elementwise import GeluMul, Softcap
from helpers.devices import on_devices
from helpers.dispatch import dispatch, state_words
from helpers.reference import gelu
from helpers.tolerance import TANH, TINY, U

PLANNED, TOKENS = 5, 3
HUGE = [0.0, 1e-30, 1e-4, 5.0, 9.0, 11.0, 88.0, 89.0, 710.0, 1e4, 1e12, 1e30, 3e38]
BOTH_SIGNS = np.array([*HUGE, *(-x for x in HUGE)], np.float32)


def rows(rng, width, size):
    """[PLANNED, width]: a kernel that works in place must leave rows past TOKENS as they are."""
    return (rng.standard_normal((PLANNED, width)) * size).astype(np.float32)


@on_devices()
@pytest.mark.parametrize("n", [1, 64, 67, 193])
def test_gelu_mul_with_columns_of_wider_rows(device, rng, n):
    stride, first = n + 11, 7
    a, b = rows(rng, n, 3), rows(rng, stride, 3)
    step = GeluMul(n, stride, first).step(PLANNED, "", ())

    found = dispatch(device, step, a=a, b=b, state=state_words(4, TOKENS))["a"]

    x, factor = a[:TOKENS].astype(np.float64), b[:TOKENS, first : first + n]
    # tanh's own error and that of its argument, of which a slope of at most 1 is left
    inner = np.abs(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))
    bound = np.abs(0.5 * x * factor) * (TANH + 8 * U * np.minimum(inner, 10) + 8 * U)
    assert np.all(np.abs(found[:TOKENS] - gelu(x) * factor) <= bound + TINY)
    assert np.array_equal(found[TOKENS:], a[TOKENS:])


@on_devices()
def test_gelu_of_huge_values_is_the_value_or_zero(device):
    n = len(BOTH_SIGNS)
    step = GeluMul(n, n).step(1, "", ())
    arrays = {"a": BOTH_SIGNS[None], "b": np.ones((1, n), np.float32), "state": state_words()}

    found = dispatch(device, step, **arrays)["a"][0]

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

    inner = x[:TOKENS].astype(np.float64) / cap
    bound = cap * (TANH + 6 * U * np.abs(inner) + 2 * U)
    assert np.all(np.abs(found[:TOKENS] - cap * np.tanh(inner)) <= bound)
    assert np.array_equal(found[TOKENS:], x[TOKENS:])


@on_devices()
def test_softcap_of_huge_values_is_the_cap(device):
    n, cap = len(BOTH_SIGNS), 30.0

    x = BOTH_SIGNS[None]
    found = dispatch(device, Softcap(n, cap).step(1, "", ()), x=x, state=state_words())["x"][0]

    far = np.abs(BOTH_SIGNS) >= 710
    assert np.array_equal(found[far], cap * np.sign(BOTH_SIGNS[far]))
    assert np.all(np.abs(found) <= cap)

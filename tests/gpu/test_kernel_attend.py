"""attend alone against softmax attention in float64, over rings, windows, and each cache encoding."""

from typing import NamedTuple

import numpy as np
import pytest

from gemtab.contracts.quantization import KV_ENCODINGS
from gemtab.kernels.attend import NO_WINDOW, Attend
from gemtab.kernels.variant import LANES
from helpers.devices import on_devices
from helpers.dispatch import SPOILT, dispatch, state_words, untouched, unwritten
from helpers.kv import decode_kv, encode_kv
from helpers.reference import attend, attention
from helpers.tolerance import TINY, ULP, U, exp_bound, sum_bound


class Case(NamedTuple):
    position: int
    tokens: int
    window: int
    ring: int
    heads: int
    kv_heads: int
    head_dim: int
    spread: float = 3.0  # of the scores


CASES = {
    "one key": Case(0, 1, NO_WINDOW, 7, 1, 1, 4),
    "the first keys of a window": Case(0, 11, 37, 61, 3, 3, 20),
    "as many keys as lanes": Case(63, 1, NO_WINDOW, 64, 2, 1, 20),
    "a key more than lanes": Case(61, 7, NO_WINDOW, 97, 6, 2, 20),
    "three rounds of keys": Case(131, 2, 131, 151, 4, 2, 20),
    "a window over the ring's end, far out": Case(100_043, 5, 37, 61, 6, 2, 20),
    "a ring just large enough": Case(1000, 3, 29, 31, 2, 2, 20),
    "scores far apart": Case(150, 3, NO_WINDOW, 163, 2, 1, 20, spread=200.0),
    "scores alike": Case(150, 3, NO_WINDOW, 163, 2, 1, 20, spread=0.0),
    "E2B's sliding heads": Case(530, 2, 67, 101, 8, 1, 256),
    "E2B's full heads": Case(130, 2, NO_WINDOW, 140, 8, 1, 512),
}
cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def random_rings(rng, case, encoding):
    """Words of K and V with NaN but for the keys in sight, and these keys' and values' numbers."""
    end = case.position + case.tokens
    keys = np.arange(max(0, case.position + 1 - case.window), end)
    rings, numbers = [], []
    for _ in "kv":
        values = rng.standard_normal((len(keys), case.kv_heads, case.head_dim), np.float32)
        words = encode_kv(values, encoding)
        ring = np.full((case.ring, *words.shape[1:]), SPOILT)
        ring[keys % case.ring] = words
        rings.append(ring)
        numbers.append(decode_kv(words, encoding, case.head_dim))
    assert len(keys) <= case.ring
    return rings, numbers


def attend_bound(q, k, v, window):
    """How far f32 may be from float64, by what the scores' sums and exp may lose.

    A weight is a product of exps whose arguments add up to its distance from the largest score, one exp
    for each round of keys; an error of a score is a relative one of its weight.
    """
    share = q.shape[1] // k.shape[1]
    k, v = np.repeat(k, share, 1), np.repeat(v, share, 1)
    scores, weights = attention(q, k, window)
    below = np.where(weights > 0, scores.max(-1, keepdims=True) - scores, 0)
    rounds = len(k) // LANES + 2
    sizes = np.einsum("qhd,khd->hqk", np.abs(q), np.abs(k))
    log_error = sum_bound(sizes, q.shape[-1] // 4 + 6) + below * U
    log_error += exp_bound(below) + rounds * (3 * ULP + U)
    losses = weights * np.expm1(log_error)
    of_sums = (len(k) + rounds + 4) * U
    size = np.einsum("hqk,khd->qhd", weights, np.abs(v))
    lost = np.einsum("hqk,khd->qhd", losses, np.abs(v)) + losses.sum(-1).T[..., None] * size
    return lost + 2 * of_sums * size + 3 * ULP * size + TINY


def check(device, variant, rng, case, encoding):
    planned = case.tokens + 2
    rings, (k, v) = random_rings(rng, case, encoding)
    q = rng.standard_normal((planned, case.heads, case.head_dim))
    q = (q * case.spread * case.head_dim**-0.5).astype(np.float32)
    q[case.tokens :] = SPOILT.view(np.float32)
    kernel = Attend(
        encoding, case.heads, case.kv_heads, case.head_dim, case.window, case.ring, variant
    )
    arrays = {"q": q, "k": rings[0], "v": rings[1], "y": unwritten(*q.shape)}

    state = state_words(case.position, case.tokens)
    y = dispatch(device, kernel.step(planned, "", ()), state=state, **arrays)["y"]

    q = q[: case.tokens].astype(np.float64)
    wanted, bound = attend(q, k, v, case.window), attend_bound(q, k, v, case.window)
    assert np.all(np.abs(y[: case.tokens] - wanted) <= bound)
    assert untouched(y[case.tokens :]).all()


@on_devices("subgroups")
@pytest.mark.parametrize("encoding", KV_ENCODINGS)
@cases
def test_every_cache_encoding(device, variant, rng, case, encoding):
    check(device, variant, rng, case, encoding)


@on_devices("subgroups", always=("shader-f16",))
@cases
def test_f16_of_the_device(device, variant, rng, case):
    check(device, variant, rng, case, "f16")

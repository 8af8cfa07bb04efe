"""attend with ready queries, and merge, against softmax attention in float64: rings, windows, caches."""

import numpy as np
import pytest

from gemtab.contracts.quantization import KV_ENCODINGS
from gemtab.kernels.attend import Attend
from gemtab.kernels.heads import NO_WINDOW
from helpers.attention import Case, attend_bound, blank, merged, random_ring
from helpers.devices import on_devices
from helpers.dispatch import SPOILT, dispatch, state_words, untouched
from helpers.reference import attend

CASES = {
    "one key": Case(0, 1, NO_WINDOW, 7, 1, 1, 8),
    "the first keys of a window": Case(0, 11, 37, 61, 3, 3, 24),
    "as many keys as lanes": Case(63, 1, NO_WINDOW, 64, 2, 1, 24),
    "a key more than lanes, three heads a key head": Case(61, 7, NO_WINDOW, 97, 6, 2, 24),
    "three rounds of keys, four heads a key head": Case(131, 2, 131, 151, 8, 2, 32),
    "a window over the ring's end, far out": Case(100_043, 5, 37, 61, 6, 1, 24),
    "a ring just large enough": Case(1000, 3, 29, 31, 12, 2, 64),
    "scores far apart": Case(150, 3, NO_WINDOW, 163, 2, 1, 24, spread=200.0),
    "scores alike": Case(150, 3, NO_WINDOW, 163, 2, 1, 24, spread=0.0),
    "lanes with two fours of a row, and with one": Case(70, 3, NO_WINDOW, 73, 6, 2, 288),
    "E2B's sliding heads": Case(530, 2, 67, 101, 8, 1, 256),
    "E2B's full heads": Case(130, 2, NO_WINDOW, 140, 8, 1, 512),
    "splits, one of them short": Case(131, 3, NO_WINDOW, 151, 6, 2, 24, splits=3),
}
cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def check(device, variant, rng, case, encoding):
    """Of qkv only the tokens' queries are read; it and the rings are left as they are."""
    planned, width = case.tokens + 2, case.heads * case.head_dim
    shape = case.shape(encoding, variant, spare=4)
    (k_ring, k), (v_ring, v) = (random_ring(rng, case, encoding) for _ in "kv")
    qkv = np.full((planned, shape.stride), SPOILT).view(np.float32)
    q = rng.standard_normal((case.tokens, width)) * case.spread * case.head_dim**-0.5
    qkv[: case.tokens, :width] = q
    q = qkv[: case.tokens, :width].reshape(case.tokens, case.heads, -1).astype(np.float64)
    arrays = {"qkv": qkv, "k": k_ring, "v": v_ring, "y": blank(case, planned)}
    step = Attend(shape, splits=case.splits).step(planned, "", ())

    found = dispatch(device, step, state=state_words(case.position, case.tokens), **arrays)

    y = merged(device, shape, case, found["y"])
    wanted = attend(q, k, v, case.window)
    bound = attend_bound(q, k, v, case.window, case.splits)
    assert np.all(np.abs(y[: case.tokens] - wanted) <= bound)
    assert untouched(y[case.tokens :]).all()
    for name in ("qkv", "k", "v"):
        assert found[name].tobytes() == arrays[name].tobytes()


@on_devices()
@pytest.mark.parametrize("encoding", KV_ENCODINGS)
@cases
def test_every_cache_encoding(device, variant, rng, case, encoding):
    check(device, variant, rng, case, encoding)


@on_devices(always=("shader-f16",))
@cases
def test_f16_of_the_device(device, variant, rng, case):
    check(device, variant, rng, case, "f16")


@on_devices(always=("subgroups",))
@cases
def test_scores_by_subgroups(device, variant, rng, case):
    check(device, variant, rng, case, "f32")

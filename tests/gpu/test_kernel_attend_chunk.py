"""attend_chunk against softmax attention in float64: tiles of rows and keys, rings, windows, caches."""

import numpy as np
import pytest

from gemtab.contracts.quantization import KV_ENCODINGS
from gemtab.kernels.attend_chunk import AttendChunk
from gemtab.kernels.heads import NO_WINDOW
from helpers.attention import Case, attend_bound, blank, random_ring
from helpers.devices import on_devices
from helpers.dispatch import SPOILT, dispatch, state_words, untouched, unwritten
from helpers.reference import attend

CASES = {
    "one key": Case(0, 1, NO_WINDOW, 7, 1, 1, 8),
    "the first keys of a window": Case(0, 11, 37, 61, 3, 3, 24),
    "a tile of rows and a row more": Case(0, 33, NO_WINDOW, 64, 1, 1, 24),
    "as many keys as a tile": Case(61, 3, NO_WINDOW, 64, 8, 1, 40),
    "a key more, three heads a key head": Case(58, 7, NO_WINDOW, 97, 6, 2, 24),
    "tiles that end within a token": Case(131, 23, 131, 157, 15, 3, 32),
    "heads that share no key head": Case(67, 37, 41, 101, 3, 3, 24),
    "more heads a key head than a tile's rows": Case(67, 3, NO_WINDOW, 71, 37, 1, 8),
    "a window over the ring's end, far out": Case(100_043, 19, 37, 61, 6, 1, 24),
    "a ring just large enough": Case(1000, 3, 29, 31, 12, 2, 64),
    "windows far shorter than the chunk": Case(211, 101, 5, 107, 4, 2, 24),
    "a window of one key": Case(97, 41, 1, 43, 2, 1, 24),
    "scores far apart": Case(150, 13, NO_WINDOW, 163, 4, 2, 24, spread=200.0),
    "scores alike": Case(150, 13, NO_WINDOW, 163, 4, 2, 24, spread=0.0),
    "lanes with one row of sums": Case(70, 5, NO_WINDOW, 79, 6, 2, 280),
    "E2B's sliding heads": Case(530, 7, 67, 101, 8, 1, 256),
    "E2B's full heads": Case(130, 7, NO_WINDOW, 140, 8, 1, 512),
}
cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def check(device, variant, rng, case, encoding):
    """Of qkv only the tokens' queries are read; past the tokens of the chunk nothing is written."""
    planned, width = case.tokens + 5, case.heads * case.head_dim
    shape = case.shape(encoding, variant, spare=4)
    (k_ring, k), (v_ring, v) = (random_ring(rng, case, encoding) for _ in "kv")
    qkv = np.full((planned, shape.stride), SPOILT).view(np.float32)
    q = rng.standard_normal((case.tokens, width)) * case.spread * case.head_dim**-0.5
    qkv[: case.tokens, :width] = q
    q = qkv[: case.tokens, :width].reshape(case.tokens, case.heads, -1).astype(np.float64)
    arrays = {"qkv": qkv, "k": k_ring, "v": v_ring, "y": blank(case, planned)}
    arrays["carried"] = unwritten(planned, case.heads, 2)
    step = AttendChunk(shape).step(planned, "", ())

    found = dispatch(device, step, state=state_words(case.position, case.tokens), **arrays)

    y, wanted = found["y"], attend(q, k, v, case.window)
    bound = attend_bound(q, k, v, case.window)
    assert np.all(np.abs(y[: case.tokens] - wanted) <= bound)
    assert untouched(y[case.tokens :]).all()
    assert untouched(found["carried"]).all()


@on_devices()
@pytest.mark.parametrize("encoding", KV_ENCODINGS)
@cases
def test_every_cache_encoding(device, variant, rng, case, encoding):
    check(device, variant, rng, case, encoding)


@on_devices(always=("shader-f16",))
@cases
def test_f16_of_the_device(device, variant, rng, case):
    check(device, variant, rng, case, "f16")


@on_devices()
def test_keys_before_and_after_a_rows_own_weigh_nothing(device, rng):
    """Their scores are so far above the others that they would leave nothing of them."""
    case = Case(71, 9, 5, 89, 4, 1, 24)
    (k_ring, k), (v_ring, v) = (random_ring(rng, case, "f32") for _ in "kv")
    q = np.full((case.tokens, case.heads, case.head_dim), 3.0, np.float32)
    for number, position in enumerate(case.keys):
        k[number] = 1000.0 * (number % 2) - 1000.0 * (number % 3)
        k_ring[position % case.ring] = k[number].astype(np.float32).view(np.uint32)
    arrays = {"qkv": q.reshape(case.tokens, -1), "k": k_ring, "v": v_ring}
    arrays["carried"] = unwritten(case.tokens, case.heads, 2)
    shape = case.shape("f32", owner=False)
    step = AttendChunk(shape).step(case.tokens, "", ())

    state = state_words(case.position, case.tokens)
    y = dispatch(device, step, state=state, y=blank(case, case.tokens), **arrays)["y"]

    exact = q.astype(np.float64)
    bound = attend_bound(exact, k, v, case.window)
    assert np.all(np.abs(y - attend(exact, k, v, case.window)) <= bound)

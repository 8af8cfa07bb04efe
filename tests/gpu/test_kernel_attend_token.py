"""attend for one token as it is projected, and merge, against float64: heads, the newest key, softmax."""

import numpy as np
import pytest

from gemtab.contracts.quantization import KV_ENCODINGS
from gemtab.kernels.attend import Attend
from gemtab.kernels.heads import NO_WINDOW
from helpers.attention import Case, attend_bound, blank, merged, random_ring
from helpers.devices import on_devices
from helpers.dispatch import SPOILT, dispatch, state_words
from helpers.heads import (
    Q_NORM,
    normed_values,
    random_norms,
    split_heads,
    stored_bound,
    table,
    turned,
)
from helpers.kv import decode_kv
from helpers.reference import attend

CASES = {
    "one key": Case(0, 1, NO_WINDOW, 7, 1, 1, 8),
    "one key in many splits": Case(0, 1, NO_WINDOW, 7, 3, 1, 24, splits=16),
    "a window over the ring's end, far out": Case(100_043, 1, 37, 61, 6, 2, 24),
    "a ring of a window's size": Case(1000, 1, 31, 31, 6, 1, 24),
    "a split of the newest key alone": Case(128, 1, NO_WINDOW, 151, 4, 2, 64, splits=3),
    "splits that see no key": Case(63, 1, NO_WINDOW, 64, 8, 2, 32, splits=4),
    "a window in splits, over the ring's end": Case(100_043, 1, 150, 163, 6, 1, 288, splits=3),
    "scores far apart, in splits": Case(150, 1, NO_WINDOW, 163, 2, 1, 24, 200.0, splits=2),
    "scores alike": Case(150, 1, NO_WINDOW, 163, 2, 1, 24, spread=0.0),
    "E2B's sliding heads": Case(530, 1, 67, 101, 8, 1, 256),
    "E2B's full heads": Case(130, 1, NO_WINDOW, 140, 8, 1, 512, splits=2),
    "two groups of eight heads, a split each way": Case(129, 1, 130, 163, 13, 1, 32, splits=3),
    "very large scores": Case(150, 1, NO_WINDOW, 163, 8, 1, 64, 3e4, splits=2),
    "as many keys as are taken together, and the newest": Case(64, 1, NO_WINDOW, 71, 6, 1, 40),
}
cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def check(device, rng, case, shape):
    """y; and the token's key and value in the ring where the layer owns it, all else as it was."""
    encoding, place = shape.encoding, case.position % case.ring
    (k_ring, k), (v_ring, v) = (random_ring(rng, case, encoding) for _ in "kv")
    if shape.owner:
        k_ring[place] = v_ring[place] = SPOILT
    qkv = (rng.standard_normal((1, shape.stride)) * 7).astype(np.float32)
    vectors, q_norm, k_norm = random_norms(rng, case.head_dim)
    q_norm *= np.float32(case.spread * case.head_dim**-0.5)
    vectors[Q_NORM:][: case.head_dim] = q_norm
    arrays = {"qkv": qkv, "k": k_ring, "v": v_ring, "y": blank(case, 1)}
    arrays |= {"vectors": vectors, "rope": table(case.head_dim)[2]}
    step = Attend(shape, raw=True, splits=case.splits).step(1, "", ())

    found = dispatch(device, step, state=state_words(case.position), **arrays)

    queries, *own = split_heads(shape, qkv)
    if shape.owner:
        k[-1:] = written(found["k"], place, shape, *turned(own[0], k_norm, case.position))
        v[-1:] = written(found["v"], place, shape, *normed_values(own[1], shape.v_norm))
        k_ring[place], v_ring[place] = found["k"][place], found["v"][place]
    for name in ("qkv", "k", "v"):
        assert found[name].tobytes() == arrays[name].tobytes()
    q, error = turned(queries, q_norm, case.position)
    y = merged(device, shape, case, found["y"])
    bound = attend_bound(q, k, v, case.window, case.splits, error)
    assert np.all(np.abs(y - attend(q, k, v, case.window)) <= bound)


def written(ring, place, shape, wanted, bound):
    """A place's heads, which are those wanted, as attend reads them back."""
    found = decode_kv(ring[place], shape.encoding, shape.head_dim)
    assert np.all(np.abs(found - wanted[0]) <= stored_bound(wanted, bound, shape.encoding)[0])
    return found


@on_devices()
@pytest.mark.parametrize("encoding", KV_ENCODINGS)
@cases
def test_every_cache_encoding(device, variant, rng, case, encoding):
    check(device, rng, case, case.shape(encoding, variant, spare=4))
    check(device, rng, case, case.shape(encoding, variant, owner=False, spare=8))


@on_devices(always=("shader-f16",))
@cases
def test_f16_of_the_device(device, variant, rng, case):
    check(device, rng, case, case.shape("f16", variant))


@on_devices()
@pytest.mark.parametrize("encoding", KV_ENCODINGS)
def test_values_as_they_are(device, variant, rng, encoding):
    case = CASES["a window over the ring's end, far out"]
    check(device, rng, case, case.shape(encoding, variant, v_norm=False))


@on_devices(always=("subgroups",))
@cases
def test_scores_by_subgroups(device, variant, rng, case):
    check(device, rng, case, case.shape("f32", variant))

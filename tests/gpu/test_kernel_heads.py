"""heads alone: queries normed and turned in float64, and the way of K and V into their rings."""

import numpy as np
import pytest

from gemtab.contracts.errors import ShapeError
from gemtab.contracts.quantization import KV_ENCODINGS
from gemtab.kernels.heads import Heads
from helpers.devices import on_devices
from helpers.dispatch import UNWRITTEN, dispatch, state_words, untouched
from helpers.heads import (
    head_shape,
    normed_values,
    random_norms,
    split_heads,
    stored_bound,
    table,
    turned,
)
from helpers.kv import decode_kv, encode_kv

RING, PLANNED, TOKENS = 13, 9, 6
SIZES = {  # query heads, key heads, values a head
    "short": (1, 1, 8),
    "few pairs": (6, 3, 24),
    "lanes left over": (3, 1, 288),
    "sliding": (2, 1, 256),
    "full": (4, 2, 512),
}
POSITIONS = {
    "the start": 0,
    "across the first table": 253,
    "over the ring's end, far out": RING * 7700 - 3,
    "the end": 131_065,
}
sizes = pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
encodings = pytest.mark.parametrize("encoding", KV_ENCODINGS)


def empty_ring(shape):
    row = encode_kv(np.zeros(shape.head_dim), shape.encoding).size
    return np.full((RING, shape.kv_heads, row), UNWRITTEN)


def check_ring(cache, wanted, bound, shape, position):
    """Each token's heads lie at its place of the ring, and the other places are untouched."""
    places = (position + np.arange(len(wanted))) % RING
    found = decode_kv(cache[places], shape.encoding, shape.head_dim)
    assert np.all(np.abs(found - wanted) <= stored_bound(wanted, bound, shape.encoding))
    cache[places] = UNWRITTEN
    assert untouched(cache).all()


def check(device, rng, shape, position, keys_only=False):
    """Queries in place unless only keys are asked for, K and V in rings if owned, and nothing else."""
    sizes = 10.0 ** np.resize([1, -3, 2, 0], (PLANNED, 1))  # the smallest are next to eps
    qkv = (rng.standard_normal((PLANNED, shape.stride)) * sizes).astype(np.float32)
    vectors, q_norm, k_norm = random_norms(rng, shape.head_dim)
    arrays = {"qkv": qkv, "vectors": vectors, "rope": table(shape.head_dim)[2]}
    arrays |= {"k": empty_ring(shape), "v": empty_ring(shape)}
    step = Heads(shape, keys_only).step(PLANNED, "", ())

    found = dispatch(device, step, state=state_words(position, TOKENS), **arrays)

    q, *kv = split_heads(shape, qkv[:TOKENS])
    if not keys_only:
        wanted, bound = turned(q, q_norm, position)
        queries = split_heads(shape, found["qkv"][:TOKENS])[0]
        assert np.all(np.abs(queries - wanted) <= bound)
        queries[:] = q  # a view: all else is to be as it was
    assert np.array_equal(found["qkv"], qkv)
    if not shape.owner:
        assert untouched(found["k"]).all()
        assert untouched(found["v"]).all()
        return
    check_ring(found["k"], *turned(kv[0], k_norm, position), shape, position)
    check_ring(found["v"], *normed_values(kv[1], shape.v_norm), shape, position)


@on_devices()
@encodings
@sizes
def test_every_size_cache_and_position(device, variant, rng, size, encoding):
    for position in POSITIONS.values():
        check(device, rng, head_shape(encoding, *size, RING, variant, spare=4), position)


@on_devices(always=("shader-f16",))
@sizes
def test_f16_of_the_device(device, variant, rng, size):
    check(device, rng, head_shape("f16", *size, RING, variant), POSITIONS["the start"])


@on_devices()
@encodings
def test_keys_and_values_without_queries(device, rng, encoding):
    for size in SIZES.values():
        shape = head_shape(encoding, *size, RING)
        check(device, rng, shape, position=RING - 2, keys_only=True)


@on_devices()
@encodings
def test_queries_of_a_layer_that_owns_no_cache(device, rng, encoding):
    for size in SIZES.values():
        check(device, rng, head_shape(encoding, *size, RING, owner=False, spare=8), position=29)


@on_devices()
@encodings
def test_values_as_they_are(device, rng, encoding):
    shape = head_shape(encoding, *SIZES["few pairs"], RING, v_norm=False)
    check(device, rng, shape, position=RING - 1)


@on_devices()
@encodings
def test_heads_of_zeros_are_stored_as_zeros(device, rng, encoding):
    shape = head_shape(encoding, *SIZES["few pairs"], RING)
    vectors, _, _ = random_norms(rng, shape.head_dim)
    arrays = {"qkv": np.zeros((1, shape.stride), np.float32), "vectors": vectors}
    arrays |= {"k": empty_ring(shape), "v": empty_ring(shape), "rope": table(shape.head_dim)[2]}

    found = dispatch(device, Heads(shape).step(1, "", ()), state=state_words(), **arrays)

    assert not np.any(found["qkv"])
    for ring in (found["k"], found["v"]):
        assert np.all(decode_kv(ring[0], encoding, shape.head_dim) == 0)


REFUSED = {
    "halves that are not whole fours": (20, 0, "got head_dim=20. Use a multiple of 8"),
    "heads that do not begin at fours": (16, 19, "got stride=83. Use a multiple of 4"),
}


@pytest.mark.parametrize(("head_dim", "spare", "words"), REFUSED.values(), ids=REFUSED)
def test_refuses_what_is_not_read_by_fours(head_dim, spare, words):
    with pytest.raises(ShapeError, match=words):
        head_shape("f32", 2, 1, head_dim, RING, spare=spare)

"""query, write_k and write_v alone: heads normed and turned in float64, and their way into the ring."""

import functools

import numpy as np
import pytest

from gemtab.contracts.model_config import Rope
from gemtab.contracts.quantization import KV_ENCODINGS
from gemtab.kernels.heads import Query, WriteK, WriteV
from gemtab.plan.rope import rope_pairs, rope_table
from helpers.devices import on_devices
from helpers.dispatch import UNWRITTEN, dispatch, state_words, untouched
from helpers.kv import decode_kv, encode_kv
from helpers.reference import rms, rope
from helpers.tolerance import HALF_ULP, TINY, ULP, U, rms_bound

EPS = 1e-6
CAPACITY = 131_072
HEADS = {"short": (1, 4), "few pairs": (3, 20), "sliding": (2, 256), "full": (2, 512)}
POSITIONS = {"the start": 0, "across the first table": 253, "far out": 100_093, "the end": 131_065}
heads_rows = pytest.mark.parametrize(("heads", "head_dim"), HEADS.values(), ids=HEADS)
positions_rows = pytest.mark.parametrize("position", POSITIONS.values(), ids=POSITIONS)


@functools.cache
def table(head_dim):
    """(rope settings, pairs that turn, the tables' words): of full heads a quarter turns, as E2B has it."""
    settings = Rope(1_000_000.0, 0.25) if head_dim == 512 else Rope(10_000.0)
    words = np.frombuffer(rope_table(settings, head_dim, CAPACITY), np.float32)
    return settings, rope_pairs(settings, head_dim), words


def random_heads(rng, planned, heads, head_dim):
    """Heads of several magnitudes, of which the smallest are next to eps, and a weight."""
    sizes = 10.0 ** np.resize([1, -3, 2, 0], (planned, 1, 1))
    x = rng.standard_normal((planned, heads, head_dim)) * sizes
    return x.astype(np.float32), rng.uniform(-2, 2, head_dim).astype(np.float32)


def turned(x, weight, settings, position):
    """The heads in float64, and each value's bound: of its pair's size, the norm's and the rotation's.

    Both tables' rows are rounded, so are the three operations of their product, and those of the pair's.
    """
    normed = rms(x.astype(np.float64), EPS, weight)
    pairs = normed.reshape(*normed.shape[:-1], 2, -1)
    size = np.abs(pairs).sum(-2, keepdims=True)
    bound = (size * (rms_bound(x.shape[-1]) + 10 * U)).repeat(2, -2).reshape(normed.shape)
    return rope(normed, settings, position + np.arange(len(x))), bound + TINY


@on_devices("subgroups")
@heads_rows
@positions_rows
def test_query(device, variant, rng, position, heads, head_dim):
    planned, tokens = 7, 5
    settings, pairs, rows = table(head_dim)
    q, weight = random_heads(rng, planned, heads, head_dim)
    step = Query(heads, head_dim, pairs, EPS, variant).step(planned, "", ())

    found = dispatch(
        device, step, q=q, weight=weight, rope=rows, state=state_words(position, tokens)
    )["q"]

    wanted, bound = turned(q[:tokens], weight, settings, position)
    assert np.all(np.abs(found[:tokens] - wanted) <= bound)
    assert np.array_equal(found[tokens:], q[tokens:])


def stored_bound(wanted, bound, encoding):
    """The bound after the cache's rounding: f16's own, or half a step of the head's largest value."""
    if encoding == "f32":
        return bound
    if encoding == "f16":
        return bound + HALF_ULP * (np.abs(wanted) + bound) + 2.0**-24
    step = (np.abs(wanted) + bound).max(-1, keepdims=True) / 127
    return bound + step * (0.5 + 127 * 6 * ULP)  # scale, its inverse and two products, none exact


def check_ring(cache, wanted, bound, encoding, position, head_dim):
    """Each token's heads lie at its place of the ring, and the other places are untouched."""
    places = (position + np.arange(len(wanted))) % len(cache)
    found = decode_kv(cache[places], encoding, head_dim)
    assert np.all(np.abs(found - wanted) <= stored_bound(wanted, bound, encoding))
    cache[places] = UNWRITTEN
    assert untouched(cache).all()


RING, PLANNED, TOKENS = 13, 9, 6
WRAPPING = RING * 7700 - 3  # about 100,000: three tokens end the ring, three begin it


def empty_ring(encoding, heads, head_dim):
    row = encode_kv(np.zeros(head_dim), encoding).size
    return np.full((RING, heads, row), UNWRITTEN)


@on_devices("subgroups")
@pytest.mark.parametrize("encoding", KV_ENCODINGS)
@heads_rows
def test_write_k(device, variant, rng, heads, head_dim, encoding):
    settings, pairs, rows = table(head_dim)
    k, weight = random_heads(rng, PLANNED, heads, head_dim)
    step = WriteK(encoding, heads, head_dim, pairs, RING, EPS, variant).step(PLANNED, "", ())
    cache = empty_ring(encoding, heads, head_dim)

    state = state_words(WRAPPING, TOKENS)
    cache = dispatch(device, step, k=k, weight=weight, rope=rows, cache=cache, state=state)["cache"]

    wanted, bound = turned(k[:TOKENS], weight, settings, WRAPPING)
    check_ring(cache, wanted, bound, encoding, WRAPPING, head_dim)


@on_devices("subgroups")
@pytest.mark.parametrize("encoding", KV_ENCODINGS)
@heads_rows
def test_write_v(device, variant, rng, heads, head_dim, encoding):
    check_write_v(device, variant, rng, heads, head_dim, encoding)


@on_devices("subgroups")
def test_write_v_as_it_is(device, variant, rng):
    check_write_v(device, variant, rng, 3, 20, "f16", normed=False)


def check_write_v(device, variant, rng, heads, head_dim, encoding, normed=True):
    v, _ = random_heads(rng, PLANNED, heads, head_dim)
    kernel = WriteV(encoding, heads, head_dim, RING, EPS, variant, normed)
    arrays = {"v": v, "cache": empty_ring(encoding, heads, head_dim)}

    state = state_words(WRAPPING, TOKENS)
    cache = dispatch(device, kernel.step(PLANNED, "", ()), state=state, **arrays)["cache"]

    values = v[:TOKENS].astype(np.float64)
    wanted = rms(values, EPS) if normed else values
    bound = rms_bound(head_dim) * np.abs(wanted) + TINY
    check_ring(cache, wanted, bound, encoding, WRAPPING, head_dim)


@on_devices()
@pytest.mark.parametrize("encoding", KV_ENCODINGS)
def test_a_head_of_zeros_is_stored_as_zeros(device, encoding):
    v = np.zeros((1, 1, 20), np.float32)
    step = WriteV(encoding, 1, 20, RING, EPS).step(1, "", ())

    cache = dispatch(device, step, v=v, cache=empty_ring(encoding, 1, 20), state=state_words())[
        "cache"
    ]

    assert np.all(decode_kv(cache[0], encoding, 20) == 0)

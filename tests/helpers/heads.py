"""What the kernels of attention are given, and what they make of a head: in float64, with its bound."""

import functools

import numpy as np

from gemtab.contracts.model_config import Rope
from gemtab.kernels.heads import NO_WINDOW, HeadShape
from gemtab.kernels.variant import PLAIN
from gemtab.plan.rope import rope_pairs, rope_table
from helpers.dispatch import SPOILT
from helpers.reference import rms, rope
from helpers.tolerance import HALF_ULP, TINY, ULP, U, rms_bound

EPS = 1e-6
CAPACITY = 131_072
Q_NORM, K_NORM = 64, 640  # in floats, among vectors that are none of the kernel's


@functools.cache
def table(head_dim):
    """(rope settings, pairs that turn, the tables' words): of full heads a quarter turns, as E2B has it."""
    settings = Rope(1_000_000.0, 0.25) if head_dim == 512 else Rope(10_000.0)
    words = np.frombuffer(rope_table(settings, head_dim, CAPACITY), np.float32)
    return settings, rope_pairs(settings, head_dim), words


def head_shape(
    encoding, heads, kv_heads, head_dim, ring,
    variant=PLAIN, window=NO_WINDOW, v_norm=True, owner=True, spare=0,
):  # fmt: skip
    """A layer's heads; qkv has `spare` columns more than they take."""
    stride = (heads + 2 * kv_heads * owner) * head_dim + spare
    return HeadShape(
        encoding, heads, kv_heads, head_dim, stride, Q_NORM // 4, K_NORM // 4, v_norm, table(head_dim)[1], EPS,
        window, ring, owner, variant,
    )  # fmt: skip


def random_norms(rng, head_dim):
    """The bound vectors, and among them the norms of queries and keys."""
    vectors = np.full(K_NORM + head_dim + 64, SPOILT).view(np.float32)
    norms = rng.uniform(-2, 2, (2, head_dim)).astype(np.float32)
    vectors[Q_NORM:][:head_dim], vectors[K_NORM:][:head_dim] = norms
    return vectors, *norms


def split_heads(shape, qkv):
    """[tokens, heads, head_dim] of the queries and, where the layer owns them, of K and of V."""
    counts = [shape.heads, *([shape.kv_heads] * 2 * shape.owner)]
    used = qkv[:, : sum(counts) * shape.head_dim].reshape(len(qkv), -1, shape.head_dim)
    return np.split(used, np.cumsum(counts)[:-1], 1)


def turned(x, weight, position):
    """Heads x [tokens, heads, head_dim] normed and turned, and each value's bound: of its pair's size.

    Both tables' rows are rounded, so are the three operations of their product, and those of the pair's.
    """
    normed = rms(x.astype(np.float64), EPS, weight)
    pairs = normed.reshape(*normed.shape[:-1], 2, -1)
    size = np.abs(pairs).sum(-2, keepdims=True)
    bound = (size * (rms_bound(x.shape[-1]) + 10 * U)).repeat(2, -2).reshape(normed.shape)
    settings = table(x.shape[-1])[0]
    return rope(normed, settings, position + np.arange(len(x))), bound + TINY


def normed_values(v, normed=True):
    """V's heads as they are to be stored, and each value's bound."""
    exact = v.astype(np.float64)
    if not normed:
        return exact, np.full(v.shape, TINY)
    wanted = rms(exact, EPS)
    return wanted, rms_bound(v.shape[-1]) * np.abs(wanted) + TINY


def stored_bound(wanted, bound, encoding):
    """The bound after the cache's rounding: f16's own, or half a step of the head's largest value."""
    if encoding == "f32":
        return bound
    if encoding == "f16":
        return bound + HALF_ULP * (np.abs(wanted) + bound) + 2.0**-24
    step = (np.abs(wanted) + bound).max(-1, keepdims=True) / 127
    return bound + step * (0.5 + 127 * 6 * ULP)  # scale, its inverse and two products, none exact

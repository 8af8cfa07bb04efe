"""Cases of attention over a ring: random keys in it, splits merged, and how far f32 may be from float64."""

from typing import NamedTuple

import numpy as np

from gemtab.kernels.attend import Merge, part_bytes
from gemtab.kernels.variant import LANES, PLAIN
from helpers.dispatch import SPOILT, dispatch, state_words, untouched, unwritten
from helpers.heads import head_shape
from helpers.kv import decode_kv, encode_kv
from helpers.reference import attention
from helpers.tolerance import TINY, ULP, U, exp_bound, sum_bound


class Case(NamedTuple):
    """Tokens from a position on. `spread` is about that of the scores; `splits` share the keys."""

    position: int
    tokens: int
    window: int
    ring: int
    heads: int
    kv_heads: int
    head_dim: int
    spread: float = 3.0
    splits: int = 1

    def shape(self, encoding, variant=PLAIN, **more):
        """The heads as the kernels take them."""
        return head_shape(
            encoding, self.heads, self.kv_heads, self.head_dim, self.ring,
            variant, self.window, **more,
        )  # fmt: skip

    @property
    def keys(self):
        """The positions of all keys in sight, the tokens' own last."""
        return np.arange(max(0, self.position + 1 - self.window), self.position + self.tokens)


def random_ring(rng, case, encoding):
    """A ring's words, NaN but for the keys in sight, and these keys' numbers."""
    keys = case.keys
    assert len(keys) <= case.ring
    values = rng.standard_normal((len(keys), case.kv_heads, case.head_dim), np.float32)
    words = encode_kv(values, encoding)
    ring = np.full((case.ring, *words.shape[1:]), SPOILT)
    ring[keys % case.ring] = words
    return ring, decode_kv(words, encoding, case.head_dim)


def blank(case, planned):
    """What takes y [tokens, heads, head_dim], or the splits' parts of it."""
    if case.splits == 1:
        return unwritten(planned, case.heads, case.head_dim)
    size = part_bytes(case.heads, case.head_dim, case.splits) // 4
    return unwritten(planned, size).reshape(planned, case.heads, case.splits, -1)


def merged(device, shape, case, parts):
    """y of the splits' parts, each of which is finite; y as it is where there is one split."""
    if case.splits == 1:
        return parts
    assert np.isfinite(parts[: case.tokens]).all()
    assert untouched(parts[case.tokens :]).all()
    y = unwritten(len(parts), case.heads, case.head_dim)
    state = state_words(case.position, case.tokens)
    step = Merge(shape, case.splits).step(len(parts), "", ())
    return dispatch(device, step, parts=parts, y=y, state=state)["y"]


def attend_bound(q, k, v, window, splits=1, q_error=0.0):
    """How far f32 may be from float64, by what the scores' sums and exp may lose; q is `q_error` off.

    A weight is a product of exps whose arguments add up to its distance from the largest score, one exp
    for each round of keys and one more where splits are merged; an error of a score is a relative one of
    its weight.
    """
    share = q.shape[1] // k.shape[1]
    k, v = np.repeat(k, share, 1), np.repeat(v, share, 1)
    scores, weights = attention(q, k, window)
    below = np.where(weights > 0, scores.max(-1, keepdims=True) - scores, 0)
    rounds = len(k) // LANES + 2 + splits
    sizes = np.einsum("qhd,khd->hqk", np.abs(q) + q_error, np.abs(k))
    log_error = sum_bound(sizes, q.shape[-1] // 4 + 6) + below * U
    log_error += np.einsum("qhd,khd->hqk", np.zeros_like(q) + q_error, np.abs(k))
    log_error += exp_bound(below) + rounds * (3 * ULP + U)
    losses = weights * np.expm1(log_error)
    of_sums = (len(k) + rounds + 4) * U
    size = np.einsum("hqk,khd->qhd", weights, np.abs(v))
    lost = np.einsum("hqk,khd->qhd", losses, np.abs(v)) + losses.sum(-1).T[..., None] * size
    return lost + 2 * of_sums * size + 3 * ULP * size + TINY

"""The sampler in numpy: what pick_slab and sample find, and which ids a draw may choose."""

import numpy as np

from gemtab.contracts.state import MAX_CANDIDATES
from gemtab.kernels.sample import SLAB, slabs
from helpers.tolerance import ULP, U, exp_bound

NONE = np.float32(-3.4e38)  # of a place that no logit fills


def best_of(logits: np.ndarray, count: int) -> np.ndarray:
    """The ids of the `count` largest logits, best first, the lower id first in a tie."""
    return np.lexsort((np.arange(len(logits)), -logits))[:count]


def slab_candidates(logits: np.ndarray, top_k: int) -> tuple[np.ndarray, np.ndarray]:
    """(ids, logits) [slabs, top_k] of each slab's best; NONE where a slab has fewer."""
    shape = (slabs(len(logits)), min(top_k, MAX_CANDIDATES))
    ids, values = np.zeros(shape, np.uint32), np.full(shape, NONE)
    for slab in range(len(ids)):
        own = logits[slab * SLAB : (slab + 1) * SLAB]
        best = best_of(own, shape[1])
        ids[slab, : len(best)] = best + slab * SLAB
        values[slab, : len(best)] = own[best]
    return ids, values


def philox(counter: tuple[int, int], key: int) -> tuple[int, int]:
    """Philox2x32-10, a counter-based generator: two words for a counter of two and a key."""
    first, second = counter
    for turn in range(10):
        product = 0xD256D193 * first
        own = (key + turn * 0x9E3779B9) & 0xFFFFFFFF
        first, second = product >> 32 ^ own ^ second, product & 0xFFFFFFFF
    return first, second


def uniform_draw(seed: int, position: int) -> float:
    """The shader's number in [0, 1): the upper 24 bits of the position's word under the seed."""
    return (philox((position, 0), seed)[0] >> 8) / 2**24


def kept_weights(logits: np.ndarray, top_k: int, temperature: float, top_p: float):
    """(ids, weights, the weights' relative bound) of what temperature, top-k and top-p keep."""
    ids = best_of(logits, min(top_k, MAX_CANDIDATES))
    below = (logits[ids].astype(np.float64) - logits[ids[0]]) / np.float32(temperature)
    weights = np.exp(below)
    error = exp_bound(below) + np.abs(below) * (2.5 * ULP + U) + len(ids) * U
    before = np.cumsum(weights) - weights
    edge = np.float32(top_p) * weights.sum()
    kept = (before < edge) | (np.arange(len(ids)) == 0)
    slack = 2 * error.max() * weights.sum()
    clear = np.abs(before[1:] - edge) > slack
    assert top_p == 1 or clear.all(), (
        "top-p ends too close to a candidate to tell: try other logits"
    )
    return ids[kept], weights[kept], error[kept].max()


def possible(ids, weights, error, draw: float) -> set[int]:
    """The ids that the draw may choose: one, or two where rounding decides."""
    ends = np.cumsum(weights)
    slack = 2 * error * ends[-1]
    hit = (ends - weights - slack <= draw * ends[-1]) & (draw * ends[-1] <= ends + slack)
    return set(ids[hit].tolist())


def misfit(counts: np.ndarray, expected: np.ndarray) -> float:
    """How many sigma counts are from what is expected: chi-square, by Wilson and Hilferty's cube root."""
    if counts[expected == 0].any():
        return np.inf
    there = expected > 0
    freedom = there.sum() - 1
    squared = ((counts - expected)[there] ** 2 / expected[there]).sum()
    spread = 2 / (9 * freedom)
    return (np.cbrt(squared / freedom) - (1 - spread)) / np.sqrt(spread)

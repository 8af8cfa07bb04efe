"""Scales of blocks that lose less than the plain rule's, which looks at a block's largest value alone.

The values x of a block become codes q times one f16 scale. A scale is the better, the smaller the loss
sum(w * (x - q * scale)^2) is; w is the importance of a value's column, 1 where none is given. Many
scales are tried: each puts the largest value somewhere at, before or beyond an end of the range of
codes. Each try is refitted to the codes that it leads to, scale = sum(w * x * q) / sum(w * q * q), and
rounded to f16. The plain scale stays where no other is better.

A block whose values already are codes times an f16 scale is found first, and loses nothing.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gemtab.contracts.quantization import BLOCK
from gemtab_build.arrays import Floats

CHUNK_BLOCKS = 4096  # what a thread works on: a few arrays of 512 KiB, which a core's cache holds
TINY = 1e-30


@dataclass(frozen=True)
class Grid:
    """A range of codes, and the codes of the largest value that the search tries.

    `exact` are those of blocks that lie on a grid, `tried` those of all others; a `tried` code out of
    the range clips the largest value, which pays where its column matters little.
    """

    low: int
    high: int
    exact: tuple[int, ...]
    tried: tuple[float, ...]


def _spread(first: float, last: float, count: int) -> list[float]:
    return [first * (last / first) ** (index / (count - 1)) for index in range(count)]


# A grid whose largest code is 4 or less is one of twice the code and half the scale, unless the scale
# is too small for f16 to halve.
_CODES = (7, 6, 5, 4, 3, 2, 1)
_BEYOND = _spread(9.3, 32, 12)
Q4 = Grid(
    low=-8,
    high=7,
    exact=(-8, *_CODES),
    tried=(
        *(-quarter / 4 for quarter in range(26, 37)),  # -6.5 to -9: the range has one more below 0
        *(quarter / 4 for quarter in range(24, 35)),
        *(sign * code for code in _BEYOND for sign in (-1, 1)),
    ),
)
Q8 = Grid(
    low=-127,
    high=127,
    exact=(127, 8, *_CODES),  # what lies on q4's grid lies on this one too
    tried=(*range(100, 129), *_spread(132, 508, 12)),
)


def search_scales(
    blocks: Floats, plain: NDArray[np.float16], grid: Grid, importance: Floats | None = None
) -> NDArray[np.float16]:
    """Scales f16 [rows, n_in / BLOCK, 1], like `plain`, none of which loses more than `plain` does.

    blocks [rows, n_in / BLOCK, BLOCK]; importance [n_in], not negative.
    """
    across = blocks.shape[1]
    scales = plain.copy()
    columns = None if importance is None else importance.reshape(across, BLOCK).T

    def search(rows: slice) -> None:
        count = len(blocks[rows])
        x = np.ascontiguousarray(blocks[rows].reshape(-1, BLOCK).T)  # [BLOCK, count * across]
        w = None if columns is None else np.tile(columns, count)
        found = _search(x, plain[rows].reshape(-1).astype(np.float32), grid, w)
        scales[rows] = found.reshape(count, across, 1)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(search, _chunks(len(blocks), across)):
            pass
    return scales


def nearest_codes(x: Floats, scales: Floats, grid: Grid) -> Floats:
    """Whole codes of values x, as f32 like x; 0 where the scale is 0. `scales` broadcasts to x."""
    codes = x * inverse(scales)
    np.rint(codes, out=codes)
    return np.clip(codes, grid.low, grid.high, out=codes)


def inverse(scales: Floats) -> Floats:
    """1 / scales, 0 where a scale is 0 or so small that f32 does not hold this."""
    held = np.abs(scales) > TINY
    return np.divide(np.float32(1), scales, out=np.zeros_like(scales), where=held)


def _chunks(rows: int, across: int) -> Iterator[slice]:
    step = max(CHUNK_BLOCKS // across, 1)
    return (slice(first, first + step) for first in range(0, rows, step))


def _search(x: Floats, plain: Floats, grid: Grid, w: Floats | None) -> Floats:
    """The scales [blocks] of x [BLOCK, blocks], each of them an f16 number."""
    above, below = x.max(axis=0), x.min(axis=0)
    largest = np.where(above >= -below, above, below)
    exact, on_grid = _exact_scales(x, largest, grid)
    if on_grid.all():
        return exact
    best = _fitted_scales(x, largest, grid, w)
    better = _loss(x, best, grid, w) < _loss(x, plain, grid, w)
    return np.where(on_grid, exact, np.where(better, best, plain))


def _exact_scales(x: Floats, largest: Floats, grid: Grid) -> tuple[Floats, NDArray[np.bool_]]:
    """Scales of the blocks that lie on a grid, and which blocks do.

    Scales are above 0, as quantizers take them, but for Q4_0's rule, which is tried first.
    """
    scales = np.zeros_like(largest)
    on_grid = np.zeros(len(largest), np.bool_)
    for code in grid.exact:
        signed: Floats = largest if code < 0 else np.abs(largest)
        scale = _to_f16(signed / np.float32(code))
        hit = (nearest_codes(x, scale, grid) * scale == x).all(axis=0) & ~on_grid
        np.copyto(scales, scale, where=hit)
        on_grid |= hit
    return scales, on_grid


def _fitted_scales(x: Floats, largest: Floats, grid: Grid, w: Floats | None) -> Floats:
    """Of all scales tried, each refitted, the best by what it takes from sum(w * x^2)."""
    best = np.zeros_like(largest)
    most = np.zeros_like(largest)
    weighted = x if w is None else x * w
    codes, terms = np.empty_like(x), np.empty_like(x)

    def consider(inverses: Floats) -> None:
        np.multiply(x, inverses, out=codes)
        np.clip(np.rint(codes, out=codes), grid.low, grid.high, out=codes)
        along = np.multiply(weighted, codes, out=terms).sum(axis=0)
        np.multiply(codes, codes, out=terms)
        square = (terms if w is None else np.multiply(terms, w, out=terms)).sum(axis=0)
        scale = _to_f16(along * inverse(square))
        gain = scale * (2 * along - scale * square)
        np.copyto(best, scale, where=gain > most)
        np.maximum(most, gain, out=most)

    inverses = inverse(largest)
    for code in grid.tried:
        consider(inverses * np.float32(code))
    consider(inverse(best))
    return best


def _loss(x: Floats, scales: Floats, grid: Grid, w: Floats | None) -> NDArray[np.float64]:
    """sum(w * (x - codes * scale)^2) of each block, in f64: small differences decide."""
    errors = x - nearest_codes(x, scales, grid).astype(np.float64) * scales
    errors *= errors
    loss: NDArray[np.float64] = (errors if w is None else errors * w).sum(axis=0)
    return loss


def _to_f16(scales: Floats) -> Floats:
    """The nearest f16 numbers; 0, which fits nothing, for those beyond f16."""
    with np.errstate(over="ignore"):
        rounded = scales.astype(np.float16).astype(np.float32)
    rounded[~np.isfinite(rounded)] = 0
    return rounded

"""Importance of a matrix's columns: the mean squares of its inputs while the model reads a text."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gemtab_build.arrays import Floats
from gemtab_build.progress import Report
from gemtab_build.quality.forward import final_states
from gemtab_build.quality.sources import Source
from gemtab_build.quality.windows import Window

LEAST = 0.01  # of the mean: what this text leaves dark, another may light up


def measure_importance(
    source: Source, windows: Sequence[Window], report: Report = lambda *_: None
) -> dict[str, Floats]:
    """By matrix, the importance f32 [n_in] of its columns, 1 on average.

    A table of which only rows are looked up has none: its columns weigh the same.
    """
    sums: dict[str, NDArray[np.float64]] = {}

    def watch(name: str, inputs: Floats) -> None:
        squares = np.square(inputs).sum(axis=0, dtype=np.float64)
        sums[name] = sums.get(name, 0.0) + squares

    final_states(source, windows, watch, report)
    return {name: _importance(squares) for name, squares in sums.items()}


def _importance(squares: NDArray[np.float64]) -> Floats:
    mean = squares.mean()
    if not np.isfinite(mean) or mean == 0:  # an input that is always 0 tells nothing
        return np.ones(len(squares), np.float32)
    raised = np.maximum(squares / mean, LEAST)
    importance: Floats = (raised / raised.mean()).astype(np.float32)
    return importance

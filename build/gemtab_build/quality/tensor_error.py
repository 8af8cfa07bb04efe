"""How far kept values are from given ones, summed up in f64 over the slabs of a tensor."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from gemtab_build.arrays import Floats

STEP_ROWS = 256  # f64 copies of so many rows at once


@dataclass
class TensorError:
    """Sums over all values seen so far: x as given, y as kept, w the importance of its column."""

    values: int = 0
    given: float = 0.0  # sum of x^2
    kept: float = 0.0  # sum of y^2
    along: float = 0.0  # sum of x * y
    error: float = 0.0  # sum of (y - x)^2
    weighted_given: float = 0.0  # sum of w * x^2
    weighted_error: float = 0.0  # sum of w * (y - x)^2
    largest: float = 0.0  # largest |y - x|

    def add(self, given: Floats, kept: Floats, importance: Floats | None = None) -> None:
        """Take in some rows [rows, n_in], both as they are; importance [n_in]."""
        w = np.ones(given.shape[1]) if importance is None else importance.astype(np.float64)
        for first in range(0, len(given), STEP_ROWS):
            x = given[first : first + STEP_ROWS].astype(np.float64)
            y = kept[first : first + STEP_ROWS].astype(np.float64)
            self._add(x, y, w)

    def _add(self, x: NDArray[np.float64], y: NDArray[np.float64], w: NDArray[np.float64]) -> None:
        squares, errors = x * x, y - x
        self.values += x.size
        self.given += float(squares.sum())
        self.kept += float((y * y).sum())
        self.along += float((x * y).sum())
        self.weighted_given += float(squares.sum(axis=0) @ w)
        self.largest = max(self.largest, float(np.abs(errors).max(initial=0.0)))
        errors *= errors
        self.error += float(errors.sum())
        self.weighted_error += float(errors.sum(axis=0) @ w)

    def __iadd__(self, other: "TensorError") -> "TensorError":
        """Sums over this one's values and the other's."""
        self.largest = max(self.largest, other.largest)
        for name in vars(self):
            if name != "largest":
                setattr(self, name, getattr(self, name) + getattr(other, name))
        return self

    def to_json(self) -> dict[str, float]:
        """Relative root mean square error, plain and weighted; largest error; cosine."""
        return {
            "relative_rms_error": _root(self.error, self.given),
            "weighted_relative_rms_error": _root(self.weighted_error, self.weighted_given),
            "max_error": self.largest,
            "cosine": self.along / sqrt(self.given * self.kept) if self.given * self.kept else 1.0,
        }


def _root(error: float, given: float) -> float:
    return sqrt(error / given) if given else 0.0

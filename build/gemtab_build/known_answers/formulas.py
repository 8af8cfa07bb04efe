"""The formulas of the model that cases are made of, in float64."""

from typing import Any

import numpy as np

from gemtab_build.known_answers.case import Floats


def rms(x: Floats, eps: float, weight: Any = 1.0) -> Floats:
    """Each row over the root of its mean square, times a weight."""
    normed: Floats = x / np.sqrt((x**2).mean(-1, keepdims=True) + eps) * weight
    return normed


def gelu(x: Floats) -> Floats:
    """Gemma's gelu, the one with tanh."""
    found: Floats = 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    return found


def turned(x: Floats, low: Floats, high: Floats) -> Floats:
    """Heads [..., head_dim] whose first pairs are turned by the product of two (cos, sin) [pairs, 2]."""
    angle = (low @ (1, 1j)) * (high @ (1, 1j))
    half = x.shape[-1] // 2
    pairs = x[..., :half] + 1j * x[..., half:]
    pairs[..., : len(angle)] *= angle
    found: Floats = np.concatenate([pairs.real, pairs.imag], -1)
    return found

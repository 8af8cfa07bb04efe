"""Rotary tables in float64: two short tables whose complex product is the angle of any position.

The row for position p is low[p % 256] · high[p // 256], so 128K positions take 768 rows, and no
device's sin or cos sees a large angle. Formula: transformers' `default`, `proportional` and `linear` RoPE.
"""

from array import array
from math import cos, sin

from gemtab.contracts.model_config import Rope

LOW_ROWS = 256


def rope_pairs(rope: Rope, head_dim: int) -> int:
    """Pairs of a head that a row holds: those with a frequency, up to a whole four; the rest keep still."""
    return -(-_turning(rope, head_dim) // 4) * 4


def _turning(rope: Rope, head_dim: int) -> int:
    return int(rope.partial * head_dim // 2)


def rope_rows(capacity: int) -> int:
    """Rows of both tables for `capacity` positions."""
    return LOW_ROWS + max(1, -(-capacity // LOW_ROWS))


def rope_table(rope: Rope, head_dim: int, capacity: int) -> bytes:
    """[rope_rows, pairs / 4, (cos, sin), 4] f32: positions 0 … 255, then 0, 256, 512, …"""
    turning = _turning(rope, head_dim)
    frequencies = [rope.theta ** (-2 * i / head_dim) / rope.factor for i in range(turning)]
    frequencies += [0.0] * (rope_pairs(rope, head_dim) - turning)
    highs = range(0, max(1, -(-capacity // LOW_ROWS)) * LOW_ROWS, LOW_ROWS)
    values = array("f")
    for position in (*range(LOW_ROWS), *highs):
        for first in range(0, len(frequencies), 4):
            angles = [position * frequency for frequency in frequencies[first : first + 4]]
            values.extend(map(cos, angles))
            values.extend(map(sin, angles))
    return values.tobytes()

"""A kernel's tiny case: what its slots hold, in short patterns that repeat, and what it must write.

The page repeats the patterns and compares; contracts/trial.py says what is carried.
"""

from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gemtab.contracts.program import Step
from gemtab.contracts.state import State
from gemtab.contracts.trial import Answer, Input, Trial

Floats = NDArray[np.float64]
DIGITS = 7  # of an answer: f32 has no more
UNWRITTEN = np.frombuffer(b"\xc3\x7f\xc5\x7f", np.uint8)  # NaN as one f32 and as two f16
# lengths of patterns: rows of a matrix begin at other places of it
PRIMES = (31, 37, 41, 43, 47, 53)


@dataclass
class Case:
    """The slots of one step as they are filled, and their answers."""

    inputs: dict[str, tuple[NDArray[Any], int]] = field(default_factory=dict)  # unit, bytes
    answers: dict[str, tuple[str, int, Floats, float]] = field(default_factory=dict)

    def floats(self, slot: str, count: int, size: float = 1.0, kind: str = "<f4") -> Floats:
        """Fill a slot with numbers of about `size`; all of them as float64."""
        period = PRIMES[len(self.inputs) % len(PRIMES)]
        rng = np.random.default_rng(period)
        unit = (rng.uniform(0.3, 1.7, period) * rng.choice([-1, 1], period) * size).astype(kind)
        return np.resize(self.put(slot, unit, count * unit.itemsize), count).astype(np.float64)

    def whole(self, slot: str, count: int, step: float) -> Floats:
        """Fill a slot with whole multiples of a step, from -100 to 100; all of them as float64."""
        unit = (np.arange(31) * 17 % 201 - 100).astype("<f4") * np.float32(step)
        return np.resize(self.put(slot, unit, 4 * count), count).astype(np.float64)

    def raw(self, slot: str, size: int) -> bytes:
        """Fill a slot with any bytes; all of them."""
        unit = np.random.default_rng(7).integers(0, 256, 61).astype(np.uint8)
        return bytes(np.resize(self.put(slot, unit, size), size).tobytes())

    def state(self, position: int, tokens: int) -> None:
        """Fill the slot `state`."""
        data = State(position, tokens).to_bytes()
        self.put("state", np.frombuffer(data, np.uint8), len(data))

    def unwritten(self, slot: str, size: int) -> None:
        """Fill a slot with NaN, of `size` bytes."""
        self.put(slot, UNWRITTEN, size)

    def put(self, slot: str, unit: NDArray[Any], size: int) -> NDArray[Any]:
        """Fill a slot with `size` bytes of a repeated unit, which is given back."""
        self.inputs[slot] = (unit, size)
        return unit

    def expect(
        self, slot: str, values: Floats, within: float, offset: int = 0, kind: str = "f32"
    ) -> None:
        """What a slot holds from a byte offset on, each value within an absolute error."""
        self.answers[slot] = (kind, offset, values.reshape(-1), within)

    def trial(self, step: Step) -> Trial:
        """As kernels.json carries it."""
        slots = [name.lstrip("*") for name in step.kernel.bindings]
        inputs = tuple(_input(*self.inputs[name]) for name in slots)
        answers = tuple(
            Answer(slots.index(name), kind, offset, tuple(map(_short, values)), _short(within))
            for name, (kind, offset, values, within) in self.answers.items()
        )
        return Trial(step.shape, step.grid, inputs, answers)


def _input(unit: NDArray[Any], size: int) -> Input:
    return Input(b64encode(unit.tobytes()[:size]).decode(), size)


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")

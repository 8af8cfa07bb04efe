"""A kernel's case: what its slots hold, in units that repeat, and what it must write.

The page makes the same units and compares; contracts/trial.py says what is carried. A unit that holds a few
whole rows makes rows of answers repeat as well, so that a few values tell of every place.
"""

from base64 import b64encode
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gemtab.contracts.program import Step
from gemtab.contracts.state import State
from gemtab.contracts.trial import Answer, Input, Trial
from gemtab.trial.units import content_of

Floats = NDArray[np.float64]
TYPES = {"f32": "<f4", "f16": "<f2", "u8": "<u1", "u32": "<u4"}
STEPS = 64  # of a size: drawn values reach twice as far
PRIME = 251  # values of a unit that no row is a multiple of
UNWRITTEN = b"\xc3\x7f\xc5\x7f"  # NaN as one f32 and as two f16
WITHIN_DIGITS = 3


@dataclass
class Case:
    """The slots of one step as they are filled, and their answers."""

    inputs: dict[str, Input] = field(default_factory=dict)
    answers: dict[str, list[Answer]] = field(default_factory=dict)

    def floats(
        self,
        slot: str,
        count: int,
        size: float = 1.0,
        kind: str = "f32",
        period: int = PRIME,
        middle: float = 0.0,
    ) -> Floats:
        """Fill a slot with numbers of about `size` that repeat after `period`; all of them as float64."""
        data = self.draw(
            slot, count * np.dtype(TYPES[kind]).itemsize, kind, period, size / STEPS, middle
        )
        return np.frombuffer(data, TYPES[kind]).astype(np.float64)

    def draw(
        self, slot: str, size: int, kind: str, period: int, step: float = 1.0, middle: float = 0.0
    ) -> bytes:
        """Fill a slot with `size` bytes of a unit of `period` drawn values; all of them."""
        seed = len(self.inputs) + 1
        self.inputs[slot] = Input(size, "", kind, period, seed, step, middle)
        return content_of(self.inputs[slot])

    def rows(self, slot: str, size: int, row: int, count: int, end: bytes) -> bytes:
        """Fill a slot with `size` bytes of rows, of which `count` differ, each with the same end; all of them."""
        self.draw(slot, size, "u8", row * count)
        self.inputs[slot] = replace(self.inputs[slot], given=b64encode(end).decode(), row=row)
        return content_of(self.inputs[slot])

    def state(self, position: int, tokens: int, **words: Any) -> None:
        """Fill the slot `state`."""
        data = State(position, tokens, **words).to_bytes()
        self.give("state", data, len(data))

    def unwritten(self, slot: str, size: int) -> None:
        """Fill a slot with NaN, of `size` bytes."""
        self.give(slot, UNWRITTEN, size)

    def give(self, slot: str, unit: bytes, size: int) -> None:
        """Fill a slot with `size` bytes of a repeated unit."""
        self.inputs[slot] = Input(size, b64encode(unit).decode())

    def expect(
        self,
        slot: str,
        values: NDArray[Any],
        within: float,
        kind: str = "f32",
        period: tuple[int, int] | None = None,
        **places: int,
    ) -> None:
        """What a slot holds: lines of values [lines, count], each within an absolute error.

        `places` are those of an Answer. With a `period` lines and columns repeat after as many.
        """
        lines, count = values.shape
        rows, columns = period or (lines, count)
        unit = values[:rows, :columns]
        whole = np.tile(unit, (-(-lines // len(unit)), -(-count // unit.shape[1])))[:lines, :count]
        assert np.allclose(whole, values, rtol=1e-9, atol=0), f"the answers of {slot} do not repeat"
        text = b64encode(unit.astype("<u4" if kind == "u32" else "<f4").tobytes()).decode()
        error = float(f"{within:.{WITHIN_DIGITS}g}")
        answer = Answer(0, kind, text, error, count, unit.shape[1], lines=lines, **places)
        self.answers.setdefault(slot, []).append(answer)

    def sample(
        self,
        slot: str,
        values: Floats,
        within: float,
        kind: str = "f32",
        first: int = 0,
        most: int = 80,
    ) -> None:
        """About `most` of the values that a slot holds from `first` on, evenly spaced, the last among them.

        An odd distance meets every lane in its turn.
        """
        flat = values.reshape(-1)
        step = (len(flat) // most) | 1
        at = (len(flat) - 1) % step
        self.expect(slot, flat[None, at::step], within, kind, first=first + at, step=step)

    def trial(self, step: Step) -> Trial:
        """As kernels.json carries it."""
        slots = [name.lstrip("*") for name in step.kernel.bindings]
        inputs = tuple(self.inputs[name] for name in slots)
        answers = tuple(
            replace(answer, slot=slots.index(name))
            for name, several in self.answers.items()
            for answer in several
        )
        return Trial(step.shape, step.grid, inputs, answers)

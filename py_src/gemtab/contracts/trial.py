"""A kernel's known answer, as kernels.json carries it: what to bind, what to run, what must come of it."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

from gemtab.contracts.plain import from_plain


@dataclass(frozen=True)
class Input:
    """A slot's content: a unit, repeated until there are so many bytes.

    `given` is a unit in base64. Where there is a `count`, so many values of a kind (f32, f16, bf16 or u8) are
    drawn from `seed`, as trial/units.py does: whole multiples of `step` around `middle`, and of u8 any bytes;
    `given` then stands at the end of each `row` of bytes.
    """

    bytes: int
    given: str = ""
    kind: str = "u8"
    count: int = 0
    seed: int = 0
    step: float = 1.0
    middle: float = 0.0
    row: int = 0


@dataclass(frozen=True)
class Answer:
    """What a slot holds after the run, of a kind (f32, f16, i8 or u32), each value within an absolute error.

    Places count values of the kind. Of `lines` lines that begin `pitch` apart, the first at `first`, each has
    `count` places, `step` apart. `values` are f32 (u32 of a u32) in base64, in lines of `period`: they
    repeat along a line and from line to line.
    """

    slot: int
    kind: str
    values: str
    within: float
    count: int
    period: int
    first: int = 0
    step: int = 1
    lines: int = 1
    pitch: int = 0


@dataclass(frozen=True)
class Trial:
    """One dispatch: shape words, grid, the slots' contents in order, the answers."""

    shape: tuple[int, ...]
    grid: tuple[int, int, int]
    inputs: tuple[Input, ...]
    answers: tuple[Answer, ...]

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Trial":
        """A trial as kernels.json has it; ValueError names what is wrong."""
        trial: Trial = from_plain(cls, data, "trial")
        return trial

    def to_json(self) -> dict[str, Any]:
        """As kernels.json has it: defaults are left out."""
        return {
            "shape": self.shape,
            "grid": self.grid,
            "inputs": [_said(one) for one in self.inputs],
            "answers": [_said(one) for one in self.answers],
        }


def _said(one: Input | Answer) -> dict[str, Any]:
    """The fields that are not the default."""
    pairs = ((field, getattr(one, field.name)) for field in fields(one))
    return {
        field.name: value
        for field, value in pairs
        if value != field.default or field.default is MISSING
    }

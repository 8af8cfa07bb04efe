"""A kernel's known answer, as kernels.json carries it: what to bind, what to run, what must come of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gemtab.contracts.plain import from_plain


@dataclass(frozen=True)
class Input:
    """A slot's content: a unit, in base64, repeated until there are so many bytes."""

    unit: str
    bytes: int


@dataclass(frozen=True)
class Answer:
    """What a slot holds after the run: values of a kind (f32 or f16) from a byte offset on.

    A value may be off by `within`; NaN never will do.
    """

    slot: int
    kind: str
    offset: int
    values: tuple[float, ...]
    within: float


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

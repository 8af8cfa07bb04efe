"""A forward pass as plain data: buffers, kernels, steps. Frozen, printable, comparable, countable.

Slots. A kernel's `bindings` are storage buffers 0, 1, 2 … in the order its template lists them. After
them comes one uniform, `shape`: up to thirty-two u32 words that are constant for the step (floats as bits).
"""

import json
import struct
from base64 import b64encode
from dataclasses import dataclass, field

SHAPE_WORDS = 32
UNIFORM_ALIGNMENT = 256  # WebGPU's largest minUniformBufferOffsetAlignment


@dataclass(frozen=True)
class Kernel:
    """A template with its parameters set. `features` are the device features its text needs.

    `bindings` names each storage slot; a leading `*` marks one that the kernel writes.
    """

    template: str
    params: tuple[tuple[str, int | float | str], ...] = ()
    includes: tuple[tuple[str, str], ...] = ()
    bindings: tuple[str, ...] = ()
    features: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """A name that tells kernels apart: `attend-HEAD_DIM=256-kv=kv_f16`."""
        parts = [f"{key}={value}" for key, value in (*self.params, *self.includes)]
        return "-".join([self.template, *parts])


@dataclass(frozen=True)
class Slice:
    """A part of a buffer, as bound to one slot. Offsets are multiples of 256 bytes."""

    buffer: str
    offset: int
    bytes: int


@dataclass(frozen=True)
class Buffer:
    """A GPU buffer. `role` is weight, cache, state, or scratch."""

    name: str
    bytes: int
    role: str = "scratch"


@dataclass(frozen=True)
class Step:
    """One dispatch: a kernel, its bound slices in slot order, its shape words, its grid of workgroups."""

    kernel: Kernel
    slices: tuple[Slice, ...]
    shape: tuple[int, ...]
    grid: tuple[int, int, int]
    label: str = ""


@dataclass(frozen=True)
class Part:
    """A part of a dispatch: a step's number in its program, with other shape words and another grid."""

    step: int
    shape: tuple[int, ...]
    grid: tuple[int, int, int]


@dataclass(frozen=True)
class Program:
    """The dispatches of one forward pass over at most `tokens` tokens."""

    name: str
    tokens: int
    buffers: tuple[Buffer, ...]
    steps: tuple[Step, ...]
    kernels: tuple[Kernel, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "kernels", tuple(dict.fromkeys(step.kernel for step in self.steps))
        )

    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """The distinct shape records, in the order they first appear: the uniform buffer's content."""
        return tuple(dict.fromkeys(step.shape for step in self.steps))

    def listing(self) -> str:
        """One line a step, for people and golden files."""
        lines = [f"program {self.name}: {len(self.steps)} dispatches, {len(self.kernels)} kernels"]
        for step in self.steps:
            bound = " ".join(
                f"{s.buffer}+{s.offset}" if s.offset else s.buffer for s in step.slices
            )
            grid = "x".join(map(str, step.grid))
            lines.append(f"{step.label:<24} {step.kernel.name} [{grid}] {bound} {step.shape}")
        return "\n".join(lines)


def float_word(value: float) -> int:
    """An f32 as the u32 word with the same bits, for a shape record."""
    return int(struct.unpack("<I", struct.pack("<f", value))[0])


def record_bytes(shape: tuple[int, ...]) -> bytes:
    """A shape record as it lies in the uniform buffer."""
    return struct.pack(f"<{len(shape)}I", *shape)


def shape_bytes(program: Program) -> bytes:
    """The uniform buffer of a program: each distinct shape record in its own aligned place."""
    records = (record_bytes(shape) for shape in program.shapes())
    return b"".join(record.ljust(UNIFORM_ALIGNMENT, b"\0") for record in records)


def program_json(program: Program) -> str:
    """A program as an executor takes it: `{name, shapes, steps: [{kernel, slices, shape, grid}]}`.

    `shapes` is the uniform buffer in base64; a step's `shape` is its byte offset in there.
    """
    offsets = {shape: index * UNIFORM_ALIGNMENT for index, shape in enumerate(program.shapes())}
    steps = [
        {
            "kernel": step.kernel.name,
            "slices": [[part.buffer, part.offset, part.bytes] for part in step.slices],
            "shape": offsets[step.shape],
            "grid": step.grid,
        }
        for step in program.steps
    ]
    shapes = b64encode(shape_bytes(program)).decode()
    return json.dumps({"name": program.name, "shapes": shapes, "steps": steps})


def part_json(part: Part) -> str:
    """A part as an executor takes it: `{step, shape, grid}`, the shape as words."""
    return json.dumps({"step": part.step, "shape": part.shape, "grid": part.grid})

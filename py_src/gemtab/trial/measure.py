"""How long some steps take on this device, over buffers that stand in for the model's.

A GPU's caches hold tens of megabytes, and a model's weights come from its memory. So the same steps run over many
copies of their matrices in turn, as a model's layers do, until the copies are more than a cache holds.
"""

from collections.abc import Sequence
from dataclasses import replace

from gemtab.contracts.program import Buffer, Program, Slice, Step
from gemtab.contracts.state import State
from gemtab.gpu.device import Device, Shaders

LEAST_SECONDS = 0.005  # a shorter run tells more of waiting than of computing
GROWTH = 4
MOST_TIMES = 256
REPEATS, LONG_SECONDS = 3, 0.03
MATRIX = ("values", "codes", "scales")  # slots of which each copy has its own


def matrix_bytes(step: Step) -> int:
    """Bytes of the matrix that a step binds."""
    slots = (name.lstrip("*") for name in step.kernel.bindings)
    parts = zip(slots, step.slices, strict=True)
    return sum(part.bytes for slot, part in parts if slot in MATRIX)


class StandIns:
    """Buffers as large as what steps bind, kept from one measurement to the next until `release`."""

    def __init__(self, device: Device, shaders: Shaders, tokens: int) -> None:
        self._device, self._shaders, self._tokens = device, shaders, tokens
        self._names: set[str] = set()

    async def seconds(self, steps: Sequence[Step], copies: int = 1) -> float:
        """Seconds of the steps, one after the other, over so many copies of their matrices in turn.

        After a run that warms up; a slow device runs them once more and no more.
        """
        device = self._device
        numbered = list(enumerate(steps))
        moved = [_moved(step, number, copy) for copy in range(copies) for number, step in numbered]
        for name, size in {one.buffer: one.bytes for step in moved for one in step.slices}.items():
            self._create(name, size)
        program = Program(f"measure of {steps[0].label}", self._tokens, (), tuple(moved))
        await device.compile({one.name: self._shaders[one.name] for one in program.kernels})
        try:
            await device.prepare(program)
            return await _least_seconds(device, program.name) / copies
        finally:
            device.forget(program.name)

    def _create(self, name: str, size: int) -> None:
        self._device.create(Buffer(name, size, "scratch"))
        if name.endswith(".state") and name not in self._names:
            state = State(0, self._tokens, capacity=self._tokens)
            self._device.write(name, 0, state.to_bytes())
        self._names.add(name)

    def release(self) -> None:
        """Let go of them all."""
        for name in self._names:
            self._device.release(name)
        self._names.clear()


async def _least_seconds(device: Device, program: str) -> float:
    """The least of some runs: other work makes one longer only."""
    await device.seconds(program, 1)
    times = 1
    seconds = await device.seconds(program, times)
    while seconds < LEAST_SECONDS and times < MOST_TIMES:
        times *= GROWTH
        seconds = await device.seconds(program, times)
    for _ in range(REPEATS if seconds < LONG_SECONDS else 0):
        seconds = min(seconds, await device.seconds(program, times))
    return max(seconds, 1e-9) / times


def _moved(step: Step, number: int, copy: int) -> Step:
    """The step over buffers of its own, as large as what it binds; the copy's number is its matrix's alone."""
    slots = [name.lstrip("*") for name in step.kernel.bindings]
    slices = (
        Slice(f"measure.{number}.{copy if slot in MATRIX else 0}.{slot}", 0, one.bytes)
        for slot, one in zip(slots, step.slices, strict=True)
    )
    return replace(step, slices=tuple(slices))

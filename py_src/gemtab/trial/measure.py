"""How long some steps take on this device, over buffers that stand in for the model's."""

from collections.abc import Sequence
from dataclasses import replace

from gemtab.contracts.program import Buffer, Program, Slice, Step
from gemtab.contracts.state import State
from gemtab.gpu.device import Device, Shaders

LEAST_SECONDS = 0.005  # a shorter run tells more of waiting than of computing
GROWTH = 4
MOST_TIMES = 256
REPEATS, LONG_SECONDS = 3, 0.03


async def seconds_of(device: Device, shaders: Shaders, steps: Sequence[Step], tokens: int) -> float:
    """Seconds of the steps, one after the other, over `tokens` tokens; after a run that warms up.

    A slow device runs them once more and no more.
    """
    moved = [_on_stand_ins(number, step) for number, step in enumerate(steps)]
    buffers = {one.buffer: one.bytes for step in moved for one in step.slices}
    for name, size in buffers.items():
        device.create(Buffer(name, size, "scratch"))
        if name.endswith(".state"):
            device.write(name, 0, State(0, tokens, capacity=tokens).to_bytes())
    program = Program(f"measure of {steps[0].label}", tokens, (), tuple(moved))
    await device.compile({one.name: shaders[one.name] for one in program.kernels})
    await device.prepare(program)
    await device.seconds(program.name, 1)
    times = 1
    seconds = await device.seconds(program.name, times)
    while seconds < LEAST_SECONDS and times < MOST_TIMES:
        times *= GROWTH
        seconds = await device.seconds(program.name, times)
    for _ in range(REPEATS if seconds < LONG_SECONDS else 0):  # other work makes a run longer only
        seconds = min(seconds, await device.seconds(program.name, times))
    device.forget(program.name)
    for name in buffers:
        device.release(name)
    return max(seconds, 1e-9) / times


def _on_stand_ins(number: int, step: Step) -> Step:
    """The step over buffers of its own, as large as what it binds."""
    slots = [name.lstrip("*") for name in step.kernel.bindings]
    slices = (
        Slice(f"measure.{number}.{slot}", 0, one.bytes)
        for slot, one in zip(slots, step.slices, strict=True)
    )
    return replace(step, slices=tuple(slices))

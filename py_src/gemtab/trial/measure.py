"""How long a step takes on this device, over buffers that stand in for the model's."""

from gemtab.contracts.program import Buffer, Program, Slice, Step
from gemtab.contracts.state import State
from gemtab.gpu.device import Device, Shaders

LEAST_SECONDS = 0.005  # a shorter run tells more of waiting than of computing
GROWTH = 4
MOST_TIMES = 256


async def step_seconds(device: Device, shaders: Shaders, step: Step, tokens: int) -> float:
    """Seconds of one dispatch of a step over `tokens` tokens, after one that warms up.

    A slow device runs it once more and no more.
    """
    slots = [name.lstrip("*") for name in step.kernel.bindings]
    slices = tuple(Slice(f"trial.{slot}", 0, one.bytes) for slot, one in enumerate(step.slices))
    for name, one in zip(slots, slices, strict=True):
        device.create(Buffer(one.buffer, one.bytes, "scratch"))
        if name == "state":
            device.write(one.buffer, 0, State(0, tokens, capacity=tokens).to_bytes())
    program = Program(f"measure of {step.label}", tokens, (), (Step(
        step.kernel, slices, step.shape, step.grid, step.label
    ),))  # fmt: skip
    await device.compile({step.kernel.name: shaders[step.kernel.name]})
    await device.prepare(program)
    times, seconds = 1, await device.seconds(program.name, 1)
    while True:
        seconds = await device.seconds(program.name, times)
        if seconds >= LEAST_SECONDS or times >= MOST_TIMES:
            break
        times *= GROWTH
    for one in slices:
        device.release(one.buffer)
    return max(seconds, 1e-9) / times

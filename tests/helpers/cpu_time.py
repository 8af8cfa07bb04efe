"""CPU time of one step on a software adapter: of all its threads, so that other work disturbs it little."""

import asyncio
import time

from gemtab.contracts.program import Program, Slice, Step
from gemtab.gpu.native import NativeDevice
from gemtab_build.site.shaders import render

PROGRAM = "bench"


def prepare(device: NativeDevice, step: Step, tokens: int) -> None:
    """Compile a step whose buffers are there, in the place of the one before."""
    kernel = step.kernel
    shader = {"wgsl": render(kernel), "entry": kernel.template, "bindings": kernel.bindings}
    asyncio.run(device.compile({kernel.name: shader}))
    asyncio.run(device.prepare(Program(PROGRAM, tokens, (), (step,))))


def cpu_seconds(device: NativeDevice, times: int, read: str) -> float:
    """CPU seconds of so many runs in one submit; ends with a read of the buffer `read`."""
    began = time.process_time()
    asyncio.run(device.replay(PROGRAM, times, Slice(read, 0, 4)))
    return time.process_time() - began

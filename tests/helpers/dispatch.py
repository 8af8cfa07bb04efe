"""One kernel alone on a device: arrays in, arrays out, and a watch on everything around them.

Every buffer is bound with GUARD words behind its data. They and what a test has yet to see written
hold UNWRITTEN, which is NaN as one f32 and as two f16: a stray read spoils the result, and a stray
write shows.
"""

import asyncio
from dataclasses import replace

import numpy as np

from gemtab.contracts.program import Buffer, Program, Slice, Step
from gemtab.contracts.state import State
from gemtab_build.shaders import render

UNWRITTEN = np.uint32(0x7FC57FC3)
GUARD = 67


def unwritten(*shape: int) -> np.ndarray:
    """An f32 array that nobody has written yet."""
    return np.full(shape, UNWRITTEN, np.uint32).view(np.float32)


def untouched(array: np.ndarray) -> np.ndarray:
    """Where an array of 4-byte values still is as `unwritten` made it."""
    return array.view(np.uint32) == UNWRITTEN


def state_words(position: int = 0, tokens: int = 1, **words) -> np.ndarray:
    """The state buffer's content."""
    return np.frombuffer(State(position, tokens, **words).to_bytes(), np.uint32)


def dispatch(device, *steps: Step, times: int = 1, **arrays: np.ndarray) -> dict[str, np.ndarray]:
    """Run steps whose slots are filled by the arrays of their names; return the buffers they write.

    A kernel's slot `y` takes the array `y`; steps that share a name share the buffer.
    """
    for name, array in arrays.items():
        data = _words(array)
        device.create(Buffer(name, data.nbytes))
        device.write(name, 0, data.tobytes())
    bound = [replace(step, slices=_slices(step, arrays)) for step in steps]
    asyncio.run(_run(device, Program("test", 1, (), tuple(bound)), times))
    written = {slot[1:] for step in steps for slot in step.kernel.bindings if slot[0] == "*"}
    return {name: _read(device, name, arrays[name]) for name in sorted(written)}


async def _run(device, program: Program, times: int) -> None:
    shaders = {
        kernel.name: {
            "wgsl": render(kernel),
            "entry": kernel.template,
            "bindings": kernel.bindings,
        }
        for kernel in program.kernels
    }
    await device.compile(shaders)
    await device.prepare(program)
    await device.replay(program.name, times)


def _slices(step: Step, arrays: dict[str, np.ndarray]) -> tuple[Slice, ...]:
    names = [slot.lstrip("*") for slot in step.kernel.bindings]
    return tuple(Slice(name, 0, _words(arrays[name]).nbytes) for name in names)


def _words(array: np.ndarray) -> np.ndarray:
    """An array's words, then the guard."""
    words = np.frombuffer(np.ascontiguousarray(array).tobytes(), np.uint32)
    return np.concatenate([words, np.full(GUARD, UNWRITTEN)])


def _read(device, name: str, like: np.ndarray) -> np.ndarray:
    size = like.nbytes + 4 * GUARD
    data = asyncio.run(device.read(Slice(name, 0, size)))
    guard = np.frombuffer(data[like.nbytes :], np.uint32)
    assert untouched(guard).all(), f"{name} was written past its end"
    return np.frombuffer(data[: like.nbytes], like.dtype).reshape(like.shape).copy()

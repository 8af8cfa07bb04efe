"""One kernel alone on a device: arrays in, arrays out, and a watch on everything around them.

Every buffer is bound with GUARD words behind its data. Behind what a kernel only reads they are SPOILT,
NaN as one f32 and as two f16, so that a stray read spoils the result; behind what it writes they are
WATCHED, a number, so that a stray write shows. What is still to be written is UNWRITTEN, another NaN:
NaN alone would not do, because a NaN that passes through a sum keeps its bits.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from gemtab.contracts.program import Buffer, Program, Slice, Step
from gemtab.contracts.state import State
from gemtab.kernels.parts import parts_of
from gemtab_build.site.shaders import render

SPOILT = np.uint32(0x7FC17FC1)
UNWRITTEN = np.uint32(0x7FC57FC3)
WATCHED = np.uint32(0x4640E6B7)  # 12345.68
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


def dispatch(
    device,
    *steps: Step,
    times: int = 1,
    in_parts: int = 1,
    keys: int = 0,
    same: Mapping[str, str] | None = None,
    **arrays: np.ndarray,
) -> dict[str, np.ndarray]:
    """Run steps whose slots are filled by the arrays of their names; return the buffers they write.

    A kernel's slot `y` takes the array `y`; steps that share a name share the buffer. `same` gives a
    slot the array of another name. With `in_parts`, each step runs in so many submits;
    `keys` are the most that a token sees.
    """
    written = {slot[1:] for step in steps for slot in step.kernel.bindings if slot[0] == "*"}
    for name, array in arrays.items():
        data = _guarded(array, WATCHED if name in written else SPOILT)
        device.create(Buffer(name, len(data)))
        device.write(name, 0, data)
    bound = [replace(step, slices=_slices(step, same or {}, arrays)) for step in steps]
    asyncio.run(_run(device, Program("test", 1, (), tuple(bound)), times, in_parts, keys))
    return {name: _read(device, name, arrays[name]) for name in sorted(written)}


async def _run(device, program: Program, times: int, in_parts: int, keys: int) -> None:
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
    if in_parts == 1:
        await device.replay(program.name, times)
    for number, step in enumerate(program.steps if in_parts > 1 else ()):
        parts = parts_of(number, step, in_parts, keys)
        assert len(parts) > 1
        for part in parts:
            await device.replay_part(program.name, part)


def _slices(
    step: Step, same: Mapping[str, str], arrays: dict[str, np.ndarray]
) -> tuple[Slice, ...]:
    slots = [slot.lstrip("*") for slot in step.kernel.bindings]
    names = [same.get(slot, slot) for slot in slots]
    return tuple(Slice(name, 0, arrays[name].nbytes + 4 * GUARD) for name in names)


def _guarded(array: np.ndarray, guard: np.uint32) -> bytes:
    return np.ascontiguousarray(array).tobytes() + np.full(GUARD, guard).tobytes()


def _read(device, name: str, like: np.ndarray) -> np.ndarray:
    data = asyncio.run(device.read(Slice(name, 0, like.nbytes + 4 * GUARD)))
    guard = np.frombuffer(data[like.nbytes :], np.uint32)
    assert np.all(guard == WATCHED), f"{name} was written past its end"
    return np.frombuffer(data[: like.nbytes], like.dtype).reshape(like.shape).copy()

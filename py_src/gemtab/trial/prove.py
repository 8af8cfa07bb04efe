"""Kernels run on their known answers, on this very device."""

import struct
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gemtab.contracts.errors import DeviceError
from gemtab.contracts.program import Buffer, Kernel, Program, Slice, Step
from gemtab.contracts.trial import Answer, Input, Trial
from gemtab.gpu.device import Device, Shaders

VALUE_BYTES = {"f32": 4, "f16": 2}
FORMATS = {"f32": "f", "f16": "e"}


async def failures(device: Device, shaders: Shaders, kernels: Iterable[Kernel]) -> dict[str, str]:
    """Why each of these kernels that does not do here what it should fails, by name.

    A kernel that comes without a known answer has only to compile.
    """
    wanted = {kernel.name: kernel for kernel in kernels}
    failed = await _refused(device, {name: shaders[name] for name in wanted})
    taken = 0
    for name, kernel in wanted.items():
        carried = shaders[name].get("trial")
        if name in failed or carried is None:
            continue
        trial = Trial.from_json(carried)
        taken = max(taken, len(trial.inputs))
        reason = await _wrong(device, kernel, trial)
        if reason:
            failed[name] = reason
    for slot in range(taken):
        device.release(_buffer(slot))
    return failed


async def _refused(device: Device, shaders: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The compiler's words on each kernel that it refuses."""
    try:
        await device.compile(shaders)
    except DeviceError:
        failed = {}
        for name, shader in shaders.items():
            try:
                await device.compile({name: shader})
            except DeviceError as error:
                failed[name] = str(error)
        return failed
    return {}


async def _wrong(device: Device, kernel: Kernel, trial: Trial) -> str | None:
    """What is wrong with a kernel's answers; None where they are right."""
    for slot, one in enumerate(trial.inputs):
        device.create(Buffer(_buffer(slot), one.bytes, "scratch"))
        device.write(_buffer(slot), 0, _content(one))
    slices = tuple(Slice(_buffer(slot), 0, one.bytes) for slot, one in enumerate(trial.inputs))
    step = Step(kernel, slices, trial.shape, trial.grid)
    program = Program(f"trial of {kernel.name}", 1, (), (step,))
    try:
        await device.prepare(program)
        await device.replay(program.name, 1)
        for answer in trial.answers:
            size = VALUE_BYTES[answer.kind] * len(answer.values)
            data = await device.read(Slice(_buffer(answer.slot), answer.offset, size))
            if not _close(answer, data):
                written = kernel.bindings[answer.slot].lstrip("*")
                return f"{kernel.name} computes a wrong {written}"
    except DeviceError as error:
        return str(error)
    return None


def _buffer(slot: int) -> str:
    return f"trial.{slot}"


def _content(one: Input) -> bytes:
    unit = b64decode(one.unit)
    return (unit * -(-one.bytes // len(unit)))[: one.bytes]


def _close(answer: Answer, data: bytes) -> bool:
    found: Sequence[float] = struct.unpack(f"<{len(answer.values)}{FORMATS[answer.kind]}", data)
    pairs = zip(found, answer.values, strict=True)
    return all(abs(one - wanted) <= answer.within for one, wanted in pairs)  # never of NaN

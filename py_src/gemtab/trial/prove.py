"""Kernels run on their known answers, on this very device: many in one submit, and their answers in one read."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from gemtab.contracts.errors import DeviceError
from gemtab.contracts.program import Buffer, Kernel, Program, Slice, Step
from gemtab.contracts.trial import Answer, Trial
from gemtab.gpu.device import Device, Shaders
from gemtab.trial.units import content_of, is_right, start_and_end

READ, WRITTEN, FOUND = "trial.read", "trial.written", "trial.found"
ALIGNMENT = 256  # of a bound slice
MOST_KERNELS = 16  # of a submit, which is to be short
MOST_BYTES = 16 << 20  # of their slots


class Case(NamedTuple):
    """A kernel and its known answer."""

    kernel: Kernel
    trial: Trial


async def failures(device: Device, shaders: Shaders, kernels: Iterable[Kernel]) -> dict[str, str]:
    """Why each of these kernels that does not do here what it should fails, by name.

    A kernel that comes without a known answer has only to compile.
    """
    wanted = {kernel.name: kernel for kernel in kernels}
    failed = await _refused(device, {name: shaders[name] for name in wanted})
    carried = (
        Case(kernel, Trial.from_json(shaders[name]["trial"]))
        for name, kernel in wanted.items()
        if name not in failed and shaders[name].get("trial")
    )
    for batch in _batches(carried):
        failed |= await _wrong(device, batch)
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


def _batches(cases: Iterable[Case]) -> Iterator[list[Case]]:
    """As many together as are soon done."""
    batch: list[Case] = []
    size = 0
    for case in cases:
        own = sum(one.bytes for one in case.trial.inputs)
        if batch and (len(batch) == MOST_KERNELS or size + own > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(case)
        size += own
    if batch:
        yield batch


async def _wrong(device: Device, batch: Sequence[Case]) -> dict[str, str]:
    """What is wrong with the kernels' answers, by name; what fails together is run one by one."""
    try:
        return await _answers(device, batch)
    except DeviceError as error:
        if len(batch) == 1:
            return {batch[0].kernel.name: str(error)}
    failed: dict[str, str] = {}
    for case in batch:
        failed |= await _wrong(device, [case])
    return failed


async def _answers(device: Device, batch: Sequence[Case]) -> dict[str, str]:
    """Run them all, and compare."""
    layout = _Layout()
    steps = tuple(layout.step(case) for case in batch)
    program = Program(f"trial of {batch[0].kernel.name}", 1, (), steps)
    for name, content in layout.contents.items():
        device.create(Buffer(name, max(len(content), ALIGNMENT)))
        device.write(name, 0, bytes(content))
    try:
        await device.prepare(program)
        await device.replay(program.name, 1)
        found = await _read(device, [part for part, _, _ in layout.asked])
    finally:
        device.forget(program.name)
        for name in layout.contents:
            device.release(name)
    failed: dict[str, str] = {}
    for (_, answer, kernel), data in zip(layout.asked, found, strict=True):
        if not is_right(answer, data):
            written = kernel.bindings[answer.slot].lstrip("*")
            failed.setdefault(kernel.name, f"{kernel.name} computes a wrong {written}")
    return failed


async def _read(device: Device, parts: Sequence[Slice]) -> list[bytes]:
    """The bytes of several parts, in one read."""
    total = sum(part.bytes for part in parts)
    device.create(Buffer(FOUND, total))
    try:
        at = 0
        for part in parts:
            device.copy(part, Slice(FOUND, at, part.bytes))
            at += part.bytes
        data = await device.read(Slice(FOUND, 0, total))
    finally:
        device.release(FOUND)
    found, at = [], 0
    for part in parts:
        found.append(data[at : at + part.bytes])
        at += part.bytes
    return found


@dataclass
class _Layout:
    """The slots of several trials: those that kernels read in one buffer, those that they write in another."""

    contents: dict[str, bytearray] = field(
        default_factory=lambda: {READ: bytearray(), WRITTEN: bytearray()}
    )
    asked: list[tuple[Slice, Answer, Kernel]] = field(default_factory=list)

    def step(self, case: Case) -> Step:
        """The dispatch over its slots."""
        slices = []
        for slot, one in zip(case.kernel.bindings, case.trial.inputs, strict=True):
            name = WRITTEN if slot.startswith("*") else READ
            content = self.contents[name]
            content += bytes(-len(content) % ALIGNMENT)
            slices.append(Slice(name, len(content), one.bytes))
            content += content_of(one)
        for answer in case.trial.answers:
            slot_at = slices[answer.slot]
            start, end = start_and_end(answer)
            part = Slice(slot_at.buffer, slot_at.offset + start, end - start)
            self.asked.append((part, answer, case.kernel))
        return Step(case.kernel, tuple(slices), case.trial.shape, case.trial.grid)

"""The Device port in the page: names and plans go to web/engine/gpu/replay.js, which holds the GPU."""

import json
from collections.abc import Collection
from time import perf_counter
from typing import Any

from gemtab.contracts.device_facts import DeviceFacts
from gemtab.contracts.errors import DeviceError
from gemtab.contracts.program import Buffer, Part, Program, Slice, part_json, program_json
from gemtab.gpu.device import ALL, Progress, Shaders, Steps


class PageDevice:
    """WebGPU behind the worker's `host` object."""

    def __init__(self, host: Any) -> None:
        self._host = host
        self._sizes: dict[str, int] = {}
        self.encoding_seconds = 0.0
        self._facts = DeviceFacts.from_json(json.loads(host.facts()))

    @property
    def facts(self) -> DeviceFacts:
        """What the adapter offers."""
        return self._facts

    def create(self, buffer: Buffer) -> None:
        """Make a buffer of zeros; one of the same name and size stays as it is."""
        if self._sizes.get(buffer.name, -1) < buffer.bytes:
            self._host.createBuffer(buffer.name, buffer.bytes, buffer.role)
            self._sizes[buffer.name] = buffer.bytes

    def release(self, buffer: str) -> None:
        """Let go of a buffer's memory."""
        self._host.releaseBuffer(buffer)
        del self._sizes[buffer]

    def write(self, buffer: str, offset: int, data: bytes | memoryview) -> None:
        """Copy bytes into a buffer."""
        self._host.write(buffer, offset, data)

    def copy(self, source: Slice, target: Slice) -> None:
        """Copy a part of a buffer into a part of another."""
        self._host.copy(source.buffer, source.offset, target.buffer, target.offset, source.bytes)

    async def read(self, part: Slice) -> bytes:
        """The bytes of a part of a buffer."""
        found = await self._host.read(part.buffer, part.offset, part.bytes)
        return bytes(found.to_bytes())

    async def compile(self, shaders: Shaders, progress: Progress | None = None) -> None:
        """Make pipelines; the host has their text, and tells the page of each one itself."""
        await settled(self._host.compile(json.dumps(list(shaders))))
        if progress:
            progress(len(shaders), len(shaders))

    async def prepare(self, program: Program) -> None:
        """Make a program's bind groups."""
        await settled(self._host.prepare(program_json(program)))

    def forget(self, program: str) -> None:
        """Let go of a program and its shape words."""
        self._host.forget(program)

    def keep_kernels(self, names: Collection[str]) -> None:
        """Let go of the pipelines of all other kernels."""
        self._host.keepKernels(json.dumps(sorted(names)))

    async def replay(
        self, program: str, times: int, read: Slice | None = None, steps: Steps = ALL
    ) -> bytes:
        """Run a prepared program `times` times in one submit, then read a part of a buffer."""
        part = read or Slice("", 0, 0)
        began = perf_counter()
        running = self._host.replay(program, times, part.buffer, part.offset, part.bytes, *steps)
        self.encoding_seconds += perf_counter() - began  # it encodes before it waits
        found = await settled(running)
        return bytes(found.to_bytes())

    async def replay_part(self, program: str, part: Part, read: Slice | None = None) -> bytes:
        """Run a part of one dispatch in a submit of its own, then read a part of a buffer."""
        wanted = read or Slice("", 0, 0)
        running = self._host.replayPart(
            program, part_json(part), wanted.buffer, wanted.offset, wanted.bytes
        )
        found = await settled(running)
        return bytes(found.to_bytes())

    async def seconds(self, program: str, times: int) -> float:
        """What one submit of so many runs takes."""
        return float(await settled(self._host.seconds(program, times)))


async def settled(promise: Any) -> Any:
    """The outcome of a promise of the host's; its errors, already written for people, become ours."""
    try:
        return await promise
    except Exception as error:  # JsException, which CPython does not have
        message = getattr(error, "message", None) or str(error)
        raise DeviceError(str(message)) from error

"""Programs with their bind groups, as wgpu-py encodes them: what web/engine/gpu/programs.js is in the page."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from gemtab.contracts.errors import DeviceError
from gemtab.contracts.program import (
    SHAPE_WORDS,
    UNIFORM_ALIGNMENT,
    Part,
    Program,
    Step,
    record_bytes,
    shape_bytes,
)

Grid = tuple[int, int, int]
Dispatch = tuple[Any, Any, Grid]  # pipeline, bind group


@dataclass
class _Prepared:
    program: Program
    shapes: Any  # the uniform buffer
    places: dict[tuple[int, ...], int]  # where in it each record lies
    buffers: frozenset[str]  # that it binds
    dispatches: list[Dispatch] | None = None  # none when a buffer has changed


class NativePrograms:
    """Prepared programs by name. `buffers` and `pipelines` are the device's, read when they are wanted."""

    def __init__(
        self,
        wgpu: Any,
        device: Any,
        buffers: Mapping[str, Any],
        pipelines: Mapping[str, tuple[Any, Any]],
    ) -> None:
        self._wgpu = wgpu
        self._device = device
        self._buffers = buffers
        self._pipelines = pipelines
        self._prepared: dict[str, _Prepared] = {}

    def prepare(self, program: Program) -> None:
        """Make a program's bind groups. A program of the same name is replaced."""
        self.forget(program.name)
        usage = self._wgpu.BufferUsage.UNIFORM | self._wgpu.BufferUsage.COPY_DST
        shapes = self._device.create_buffer_with_data(data=shape_bytes(program), usage=usage)
        places = {shape: i * UNIFORM_ALIGNMENT for i, shape in enumerate(program.shapes())}
        buffers = frozenset(part.buffer for step in program.steps for part in step.slices)
        self._prepared[program.name] = _Prepared(program, shapes, places, buffers)
        self.get(program.name)

    def forget(self, name: str) -> None:
        """Let go of a program, if there is one of that name, once the work that was submitted is done."""
        prepared = self._prepared.pop(name, None)
        if prepared:
            prepared.shapes.destroy()

    def get(self, name: str) -> list[Dispatch]:
        """A program's dispatches, bound to the buffers that there are now."""
        prepared = self._of(name)
        if prepared.dispatches is None:
            prepared.dispatches = [self._bound(prepared, step) for step in prepared.program.steps]
        return prepared.dispatches

    def release(self, buffer: str) -> None:
        """Let go of the bind groups that hold a buffer: they are made anew when they are next wanted."""
        for prepared in self._prepared.values():
            if buffer in prepared.buffers:
                prepared.dispatches = None

    @contextmanager
    def part(self, name: str, part: Part) -> Iterator[Dispatch]:
        """A part of a dispatch, to be submitted before the step's own shape words come back."""
        prepared = self._of(name)
        pipeline, group, _ = self.get(name)[part.step]
        own = prepared.program.steps[part.step].shape
        queue, place = self._device.queue, prepared.places[own]
        queue.write_buffer(prepared.shapes, place, record_bytes(part.shape))
        try:
            yield pipeline, group, part.grid
        finally:
            queue.write_buffer(prepared.shapes, place, record_bytes(own))

    def _of(self, name: str) -> _Prepared:
        if name not in self._prepared:
            raise DeviceError(
                f"The program {name} was not prepared. Prepare it before replaying it."
            )
        return self._prepared[name]

    def _bound(self, prepared: _Prepared, step: Step) -> Dispatch:
        pipeline, layout = self._pipelines[step.kernel.name]
        parts = [(self._buffers[s.buffer], s.offset, s.bytes) for s in step.slices]
        parts.append((prepared.shapes, prepared.places[step.shape], SHAPE_WORDS * 4))
        entries = [
            {"binding": slot, "resource": {"buffer": buffer, "offset": offset, "size": size}}
            for slot, (buffer, offset, size) in enumerate(parts)
        ]
        return pipeline, self._device.create_bind_group(layout=layout, entries=entries), step.grid

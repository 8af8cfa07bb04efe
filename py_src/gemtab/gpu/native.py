"""The Device port over wgpu-py: the same Programs on a GPU without a browser.

Two modules offer wgpu-py's API: `wgpu`, whose shader compiler is naga, and `wgpudawn`, whose is Tint, the
compiler of Chromium.
"""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from time import perf_counter
from typing import Any, Literal

from gemtab.contracts.device_facts import INTEGER_DOT, DeviceFacts
from gemtab.contracts.errors import DeviceError
from gemtab.contracts.program import Buffer, Part, Program, Slice
from gemtab.gpu.device import ALL, Progress, Shaders, Steps
from gemtab.gpu.native_programs import NativePrograms

Module = Literal["wgpu", "wgpudawn"]
# our name of a feature, which is WebGPU's, to the module's
FEATURES: dict[Module, dict[str, str]] = {
    "wgpu": {"shader-f16": "shader-f16", "subgroups": "subgroup"},
    "wgpudawn": {"shader-f16": "shader-f16", "subgroups": "subgroups"},
}
TIMESTAMPS = "timestamp-query"
LIMITS = (
    "max-storage-buffer-binding-size",
    "max-buffer-size",
    "max-compute-workgroup-storage-size",
    "max-compute-invocations-per-workgroup",
)
# what every WebGPU device has, to make one that has no more: by default these modules ask for all there is
FLOOR = {
    "max-storage-buffer-binding-size": 128 << 20,
    "max-buffer-size": 256 << 20,
    "max-uniform-buffer-binding-size": 64 << 10,
    "max-storage-buffers-per-shader-stage": 8,
    "max-compute-workgroup-storage-size": 16 << 10,
    "max-compute-invocations-per-workgroup": 256,
    "max-compute-workgroup-size-x": 256,
    "max-compute-workgroups-per-dimension": 65535,
}


class NativeDevice:
    """A device of wgpu-py.

    `features` narrows what is used of the adapter's offer, for tests; `module` picks the shader compiler,
    `adapter` an adapter by a part of its name; with `timestamps`, steps can be timed. `limits` are asked for
    in place of all that the adapter offers, by wgpu-py's names.
    """

    def __init__(
        self,
        features: frozenset[str] | None = None,
        module: Module = "wgpu",
        adapter: str = "",
        timestamps: bool = False,
        limits: Mapping[str, int] | None = None,
    ) -> None:
        wgpu = _import(module)
        chosen = _adapter(wgpu, adapter)
        offered = {ours for ours, theirs in FEATURES[module].items() if theirs in chosen.features}
        offered.add(INTEGER_DOT)  # both compilers know it
        used = offered if features is None else offered & features
        if limits is None:
            limits = {name: chosen.limits[name] for name in LIMITS}
        self._wgpu = wgpu
        self._dialect = "naga" if module == "wgpu" else "tint"
        wanted = [theirs for ours, theirs in FEATURES[module].items() if ours in used]
        self.has_timestamps = timestamps and TIMESTAMPS in chosen.features
        if self.has_timestamps:
            wanted.append(TIMESTAMPS)
        self._device = chosen.request_device_sync(required_features=wanted, required_limits=limits)
        self._facts = DeviceFacts(
            chosen.info["device"],
            frozenset(used),
            {_camel(name): self._device.limits[name] for name in LIMITS},
            driver=" ".join([module, wgpu.__version__, chosen.info["description"]]),
        )
        # a read ends when all work before it has; wgpu 0.32's on_submitted_work_done fails
        self._fence = self._device.create_buffer(size=4, usage=wgpu.BufferUsage.COPY_SRC)
        self.encoding_seconds = 0.0
        self._buffers: dict[str, Any] = {}
        self._pipelines: dict[str, tuple[Any, Any]] = {}
        self._programs = NativePrograms(wgpu, self._device, self._buffers, self._pipelines)

    @property
    def facts(self) -> DeviceFacts:
        """What the adapter offers, of what this device uses."""
        return self._facts

    def create(self, buffer: Buffer) -> None:
        """Make a buffer of zeros; one of the same name and size stays as it is.

        A larger one takes the place of the old in the programs that bind it.
        """
        old = self._buffers.get(buffer.name)
        if old is not None and old.size >= buffer.bytes:
            return
        if old is not None:
            self.release(buffer.name)
        usage = self._wgpu.BufferUsage
        self._buffers[buffer.name] = self._device.create_buffer(
            label=buffer.name,
            size=_words(buffer.bytes),
            usage=usage.STORAGE | usage.COPY_DST | usage.COPY_SRC,
        )

    def release(self, buffer: str) -> None:
        """Let go of a buffer's memory, once the work that was submitted is done."""
        self._programs.release(buffer)
        self._buffers.pop(buffer).destroy()

    def write(self, buffer: str, offset: int, data: bytes | memoryview) -> None:
        """Copy bytes into a buffer."""
        self._device.queue.write_buffer(self._buffers[buffer], offset, data)

    def copy(self, source: Slice, target: Slice) -> None:
        """Copy a part of a buffer into a part of another."""
        encoder = self._device.create_command_encoder()
        encoder.copy_buffer_to_buffer(
            self._buffers[source.buffer], source.offset,
            self._buffers[target.buffer], target.offset, source.bytes,
        )  # fmt: skip
        self._device.queue.submit([encoder.finish()])

    async def read(self, part: Slice) -> bytes:
        """The bytes of a part of a buffer."""
        buffer = self._buffers[part.buffer]
        return bytes(self._device.queue.read_buffer(buffer, part.offset, part.bytes))

    async def compile(self, shaders: Shaders, progress: Progress | None = None) -> None:
        """Make pipelines, with explicit layouts so that an unused slot keeps its place."""
        new = [name for name in shaders if name not in self._pipelines]
        begun = {
            name: self._begin(name, shaders[name]) for name in new
        }  # Dawn compiles on all cores
        for done, name in enumerate(shaders, 1):
            if name in begun:
                promise, layout = begun[name]
                with self._named(name):
                    self._pipelines[name] = promise.sync_wait(), layout
            if progress:
                progress(done, len(shaders))

    def _begin(self, name: str, shader: Any) -> tuple[Any, Any]:
        """The promise of a pipeline, and its layout."""
        wgpu, device = self._wgpu, self._device
        kinds = [
            "storage" if slot.startswith("*") else "read-only-storage"
            for slot in shader["bindings"]
        ]
        entries = [
            {"binding": slot, "visibility": wgpu.ShaderStage.COMPUTE, "buffer": {"type": kind}}
            for slot, kind in enumerate([*kinds, "uniform"])
        ]
        layout = device.create_bind_group_layout(entries=entries)
        code = shader["wgsl"]
        if self._dialect == "naga":
            code = code.replace("enable subgroups;\n", "")  # naga rejects the line, Tint demands it
        with self._named(name):
            promise = device.create_compute_pipeline_async(
                layout=device.create_pipeline_layout(bind_group_layouts=[layout]),
                compute={
                    "module": device.create_shader_module(label=name, code=code),
                    "entry_point": shader["entry"],
                },
            )
        return promise, layout

    @contextmanager
    def _named(self, shader: str) -> Iterator[None]:
        """Turn a compiler's complaint into ours, with the shader's name."""
        try:
            yield
        except (self._wgpu.GPUError, RuntimeError) as error:  # a promise has only the latter
            raise DeviceError(f"The shader {shader} does not compile here: {error}") from error

    async def prepare(self, program: Program) -> None:
        """Make a program's bind groups."""
        self._programs.prepare(program)

    def forget(self, program: str) -> None:
        """Let go of a program and its shape words, once the work that was submitted is done."""
        self._programs.forget(program)

    def keep_kernels(self, names: Collection[str]) -> None:
        """Let go of the pipelines of all other kernels."""
        for name in self._pipelines.keys() - {*names}:
            del self._pipelines[name]

    def step_microseconds(self, program: Program) -> list[float]:
        """Run a prepared program, each step in a pass of its own; the GPU's time of each."""
        return self._microseconds([[step] for step in self._programs.get(program.name)])

    def _microseconds(self, passes: Sequence[Sequence[Any]]) -> list[float]:
        """Run passes in one submit; the GPU's time of each."""
        wgpu, count = self._wgpu, len(passes)
        queries = self._device.create_query_set(type="timestamp", count=2 * count)
        size, usage = 16 * count, wgpu.BufferUsage
        stamps = self._device.create_buffer(size=size, usage=usage.QUERY_RESOLVE | usage.COPY_SRC)
        encoder = self._device.create_command_encoder()
        for number, steps in enumerate(passes):
            writes = {
                "query_set": queries,
                "beginning_of_pass_write_index": 2 * number,
                "end_of_pass_write_index": 2 * number + 1,
            }
            compute = encoder.begin_compute_pass(timestamp_writes=writes)
            self._encode(compute, steps)
            compute.end()
        encoder.resolve_query_set(queries, 0, 2 * count, stamps, 0)
        self._device.queue.submit([encoder.finish()])
        nanoseconds = memoryview(bytes(self._device.queue.read_buffer(stamps))).cast("Q")
        return [(nanoseconds[2 * i + 1] - nanoseconds[2 * i]) / 1000 for i in range(count)]

    async def replay(
        self, program: str, times: int, read: Slice | None = None, steps: Steps = ALL
    ) -> bytes:
        """Run a prepared program `times` times in one submit, then read a part of a buffer."""
        began = perf_counter()
        dispatches = self._programs.get(program)[slice(*steps)]
        self._submit([dispatches] * times)
        self.encoding_seconds += perf_counter() - began
        return await self._read_or_wait(read)

    async def replay_part(self, program: str, part: Part, read: Slice | None = None) -> bytes:
        """Run a part of one dispatch in a submit of its own, then read a part of a buffer."""
        with self._programs.part(program, part) as dispatch:
            self._submit([[dispatch]])
        return await self._read_or_wait(read)

    def _submit(self, passes: Sequence[Sequence[Any]]) -> None:
        encoder = self._device.create_command_encoder()
        for dispatches in passes:
            compute = encoder.begin_compute_pass()
            self._encode(compute, dispatches)
            compute.end()
        self._device.queue.submit([encoder.finish()])

    async def _read_or_wait(self, read: Slice | None) -> bytes:
        if read:
            return await self.read(read)
        self._device.queue.read_buffer(self._fence)
        return b""

    async def seconds(self, program: str, times: int) -> float:
        """What one submit of so many runs takes."""
        if not self.has_timestamps:
            began = perf_counter()
            await self.replay(program, times)
            return perf_counter() - began
        return sum(self._microseconds([self._programs.get(program) * times])) / 1e6

    @staticmethod
    def _encode(compute: Any, steps: Sequence[Any]) -> None:
        for pipeline, group, grid in steps:
            compute.set_pipeline(pipeline)
            compute.set_bind_group(0, group)
            compute.dispatch_workgroups(*grid)


def _import(module: Module) -> Any:
    os.environ.setdefault("XDG_RUNTIME_DIR", "/tmp")  # else wgpu-native complains on every start
    try:
        return import_module(module)
    except ImportError:
        group = "native" if module == "wgpu" else "test"
        raise DeviceError(
            f"The native executor needs {module}: pip install 'gemtab[{group}]'."
        ) from None


def _adapter(wgpu: Any, name: str) -> Any:
    """The best adapter of that name: a real GPU before a software one, Vulkan or Metal before OpenGL."""
    adapters = wgpu.gpu.enumerate_adapters_sync()
    usable = [a for a in adapters if a.info["backend_type"] != "OpenGL"]
    if not usable:
        raise DeviceError(
            "No GPU adapter was found. Install a Vulkan driver (in software: Debian's mesa-vulkan-drivers)."
        )
    named = [a for a in usable if name.lower() in a.info["device"].lower()]
    if not named:
        found = ", ".join(a.info["device"] for a in usable)
        raise DeviceError(f"No GPU adapter is named {name!r}. There are: {found}.")
    return min(named, key=lambda adapter: adapter.info["adapter_type"] == "CPU")


def _camel(name: str) -> str:
    first, *rest = name.split("-")
    return first + "".join(word.capitalize() for word in rest)


def _words(size: int) -> int:
    return -(-size // 4) * 4

"""A model on a device, ready to run: weights loaded, shaders compiled, programs at hand."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from gemtab.contracts.errors import ArtifactError, ContextFullError, UsageError
from gemtab.contracts.manifest import Manifest
from gemtab.contracts.program import Kernel, Part, Program, Slice
from gemtab.contracts.state import State
from gemtab.generate.kv_cache import KvCache
from gemtab.generate.pace import Pace, Span, Submit
from gemtab.generate.rings import RingCopies
from gemtab.gpu.device import Device
from gemtab.plan.chunk import SUBMIT_SECONDS, shorter_chunks
from gemtab.plan.forward import plan_decode, plan_prefill, plan_score
from gemtab.plan.model import Model
from gemtab.plan.rope import rope_table
from gemtab.plan.settings import Settings
from gemtab.weights.placing import Target, targets
from gemtab.weights.rows import TablePlane, table_planes

Upload = Callable[[int, Sequence[Target]], Awaitable[None]]
Stage = Callable[[Sequence[TablePlane], Sequence[int]], Awaitable[None]]  # rows to their buffers
Report = Callable[[str, int, int], None]  # stage, done, total
Stopped = Callable[[], bool]  # whether nobody waits any more


async def _no_stage(_planes: Sequence[TablePlane], _ids: Sequence[int]) -> None:
    """The stage of a model whose tables are all on the GPU."""


def _never() -> bool:
    """For work that nobody stops."""
    return False


def _quiet(stage: str, done: int, total: int) -> None:
    """The report of a caller who does not watch."""


class Engine:
    """Runs a model's Programs. Make it with `Engine.load`."""

    def __init__(self, device: Device, manifest: Manifest, settings: Settings) -> None:
        self.device = device
        self.manifest = manifest
        self.settings = settings
        self.model = Model.on(settings, dict(manifest.tensors))
        rings = {settings.ring(layer) for layer in settings.config.layers if layer.sliding}
        ring = min(rings, default=0)
        whole = ring in (0, settings.capacity)
        self.cache = KvCache(settings.capacity, settings.config.window, 0 if whole else ring)
        self._rings = RingCopies(device, settings.rings())
        self.table = tuple(  # planes of what stays off the GPU
            plane
            for name, tensor in manifest.tensors.items()
            if name not in self.model.parts
            for plane in table_planes(name, tensor)
        )
        self._stage: Stage = _no_stage
        self._shaders: Mapping[str, Any] = {}
        self._programs: dict[str, Program] = {}
        self._prefills: dict[int, str] = {}
        self.pace = Pace(settings.speed)
        self._idle_since = 0.0  # when the last pass ended, by the pace's clock

    @classmethod
    async def load(
        cls,
        device: Device,
        manifest: Manifest,
        settings: Settings,
        shaders: Mapping[str, Any],
        upload: Upload,
        report: Report = _quiet,
        stage: Stage = _no_stage,
    ) -> "Engine":
        """Weights to the GPU, shaders compiled, tables written."""
        engine = cls(device, manifest, settings)
        engine._shaders = shaders
        engine._stage = stage
        for buffer in engine.model.weight_buffers():
            device.create(buffer)
        sources = targets(manifest, engine.model.parts)
        total = sum(manifest.sources[index].bytes for index in sources)
        done = 0
        for index, wanted in sources.items():
            await upload(index, wanted)
            done += manifest.sources[index].bytes
            report("weights", done, total)
        # the larger first: it sizes the scratch buffers
        programs = [plan_prefill(engine.model, settings.chunk), plan_decode(engine.model)]
        kernels = {one.name: one for program in programs for one in program.kernels}
        await engine._compile(kernels.values(), lambda done, total: report("shaders", done, total))
        for program in programs:
            await engine._prepare(program)
        engine._prefills[settings.chunk] = programs[0].name
        engine._write_tables()
        return engine

    def kernel_names(self) -> list[str]:
        """Of all programs that are prepared."""
        programs = self._programs.values()
        return sorted({kernel.name for program in programs for kernel in program.kernels})

    def _write_tables(self) -> None:
        config = self.settings.config
        numbers = range(self.settings.chunk)
        self.device.write("row.ids", 0, b"".join(one.to_bytes(4, "little") for one in numbers))
        for layer in {layer.sliding: layer for layer in config.layers}.values():
            table = rope_table(config.rope(layer), layer.head_dim, self.settings.capacity)
            if table:
                self.device.write("rope.sliding" if layer.sliding else "rope.full", 0, table)

    async def _compile(
        self, kernels: Iterable[Kernel], progress: Callable[[int, int], None] | None = None
    ) -> None:
        await self.device.compile({one.name: self._shader(one) for one in kernels}, progress)

    async def _prepare(self, program: Program) -> None:
        if program.name in self._programs:
            return
        await self._compile(program.kernels)
        for buffer in program.buffers:
            self.device.create(buffer)
        await self.device.prepare(program)
        self._programs[program.name] = program

    def _shader(self, kernel: Kernel) -> Mapping[str, Any]:
        try:
            shader: Mapping[str, Any] = self._shaders[kernel.name]
        except KeyError:
            raise ArtifactError(
                f"The site was built without the shader {kernel.name}. Build it again."
            ) from None
        return shader

    def write_state(self, state: State) -> None:
        """Set what the next pass starts from."""
        self.device.write("state", 0, state.to_bytes())

    @property
    def staged(self) -> bool:
        """Whether rows must be staged for each token, so that none can be computed ahead."""
        return bool(self.table)

    async def stage(self, ids: Sequence[int]) -> None:
        """Bring the rows of these ids for the next pass, of tables that are not on the GPU."""
        if self.table:
            await self._stage(self.table, ids)

    async def write_ids(self, ids: Sequence[int]) -> None:
        """Set the next pass's token ids, and bring their rows."""
        self.device.write("ids", 0, b"".join(id.to_bytes(4, "little") for id in ids))
        await self.stage(ids)

    async def run(
        self,
        name: str,
        at: Span,
        times: int = 1,
        read: Slice | None = None,
        stopped: Stopped = _never,
    ) -> bytes | None:
        """Run a program, a pass that is too long in several submits; None if stopped between two.

        `at` is what the pass goes over; where it runs several times, the first of them.
        """
        submits = self.pace.submits(self._programs[name], at)
        if len(submits) == 1:
            return await self._submit(name, submits[0], at, times, read)
        data = b""
        for number in range(len(submits) * times):
            if number and stopped():
                return None
            is_last = number + 1 == len(submits) * times
            submit = submits[number % len(submits)]
            data = await self._submit(name, submit, at, 1, read if is_last else None)
        return data

    async def _submit(
        self, name: str, submit: Submit, at: Span, times: int, read: Slice | None
    ) -> bytes:
        began = self.pace.clock()
        if isinstance(submit.work, Part):
            data = await self.device.replay_part(name, submit.work, read)
        else:
            data = await self.device.replay(name, times, read, submit.work)
        ended = self.pace.clock()
        self.pace.took(at.tokens, submit.effort, ended - max(began, self._idle_since), times)
        self._idle_since = ended
        return data

    def is_cut(self, name: str, at: Span) -> bool:
        """Whether a pass of the program takes several submits."""
        return self.pace.seconds(self._programs[name], at) > SUBMIT_SECONDS

    def passes_in_a_submit(self, name: str, at: Span) -> int:
        """How many passes of the program a submit has time for, at least one."""
        return max(1, int(SUBMIT_SECONDS / self.pace.seconds(self._programs[name], at)))

    def check_ids(self, ids: Sequence[int]) -> None:
        """UsageError names the first id that the model's vocabulary does not have, and its place."""
        vocab = self.settings.config.vocab
        for place, token_id in enumerate(ids):
            if not 0 <= token_id < vocab:
                raise UsageError(
                    f"The token id {token_id} at place {place} is outside the vocabulary, whose ids are 0 to {vocab - 1}."
                )

    async def prefill(self, prompt: Sequence[int], stopped: Stopped = _never) -> int:
        """Compute K and V of all but the prompt's last id; how many of them the cache still held.

        Where it is stopped, the cache keeps the chunks that were done.
        """
        self.check_ids(prompt)
        await self.pace.measure_wait(self.device, "decode")
        start, restored = self.cache.begin(prompt)
        if restored:
            self._rings.restore(restored)
        await self._compute(prompt[:-1], start, stopped)
        snapshot = None if stopped() else self.cache.snapshot()
        if snapshot:
            self._rings.take(snapshot)
        return start

    async def _compute(self, ids: Sequence[int], start: int, stopped: Stopped) -> None:
        """K and V of ids[start:], chunk by chunk."""
        first = start
        while first < len(ids) and not stopped():
            part = ids[first : first + self._chunk(first)]
            program = await self._prefill_program(self._bucket(len(part)))
            await self.write_ids(part)
            self.write_state(State(first, len(part), capacity=self.settings.capacity))
            if await self.run(program, Span(len(part), first), stopped=stopped) is None:
                self.cache.overshoot(first + len(part))  # some layers have written that far
                return
            self.cache.extend(part)
            first += len(part)

    def _chunk(self, position: int) -> int:
        """Tokens to run together from there: the more keys each attends to, the fewer fit a submit."""
        longest = self._programs[self._prefills[self.settings.chunk]]
        lengths = shorter_chunks(self.settings.chunk)
        fitting = (
            n for n in lengths if self.pace.seconds(longest, Span(n, position)) <= SUBMIT_SECONDS
        )
        return next(fitting, lengths[-1])

    async def _prefill_program(self, tokens: int) -> str:
        """The name of the prefill program of that length, planned the first time it is wanted."""
        if tokens not in self._prefills:
            program = plan_prefill(self.model, tokens)
            await self._prepare(program)
            self._prefills[tokens] = program.name
        return self._prefills[tokens]

    async def compile_shorter(self) -> None:
        """Compile what shorter prompts take, so that the first of them need not wait for it."""
        lengths = {self._bucket(tokens) for tokens in range(1, self.settings.chunk)}
        for tokens in sorted(lengths, reverse=True):
            await self._compile(plan_prefill(self.model, tokens).kernels)

    def _bucket(self, tokens: int) -> int:
        """The planned length for a chunk: powers of two, so that few programs serve all."""
        return min(1 << (tokens - 1).bit_length(), self.settings.chunk)

    async def logits(self, ids: Sequence[int]) -> bytes:
        """Softcapped logits of every position: f32 [tokens, vocab]."""
        self.check_ids(ids)
        vocab = self.settings.config.vocab
        if len(ids) > self.settings.capacity:
            raise ContextFullError(
                f"{len(ids)} tokens do not fit a context of {self.settings.capacity}."
            )
        rows = max(1, min(self.settings.chunk, self.settings.facts.largest_binding // (4 * vocab)))
        program = plan_score(self.model, rows)
        await self._prepare(program)
        self.cache.forget()  # whatever it held is overwritten
        found = bytearray()
        for first in range(0, len(ids), rows):
            part = ids[first : first + rows]
            await self.write_ids(part)
            self.write_state(State(first, len(part), capacity=self.settings.capacity))
            wanted = Slice("scores", 0, 4 * vocab * len(part))
            found += await self.run(program.name, Span(len(part), first), read=wanted) or b""
            self.cache.extend(part)
        return bytes(found)

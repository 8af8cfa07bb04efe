"""Prompt ids in, reply ids out, in batches that keep the GPU busy while the last one is read."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter

from gemtab.contracts.errors import DeviceError
from gemtab.contracts.program import Slice
from gemtab.contracts.state import State
from gemtab.generate.engine import Engine
from gemtab.generate.pace import Span
from gemtab.generate.sampling import GREEDY, Sampling
from gemtab.kernels.sample import NO_ID, REPLY

BATCH = 16  # tokens in a submit at most; two submits are in flight
SUBMIT_SECONDS = 0.05  # a batch grows until it takes about so long: stop stays prompt


@dataclass
class Run:
    """One reply's settings and, as it goes on, its record."""

    prompt: Sequence[int]
    sampling: Sampling
    max_tokens: int
    stop_ids: frozenset[int]
    stopped: Callable[[], bool] = lambda: False
    ids: list[int] = field(default_factory=list)
    reason: str = ""
    kept: int = 0  # prompt tokens that the cache still held
    prefill_seconds: float = 0.0
    first_seconds: float = 0.0  # until the first batch was there
    decode_seconds: float = 0.0
    encoding_seconds: float = 0.0  # of those, on the host, for the GPU
    waiting_seconds: float = 0.0  # of those, for the GPU's answers

    def timing(self) -> dict[str, float]:
        """Seconds, as `gemtab bench` reads them; encoding and waiting are of the reply alone."""
        return {
            "prefill": self.prefill_seconds, "first": self.first_seconds,
            "total": self.prefill_seconds + self.decode_seconds,
            "encoding": self.encoding_seconds, "waiting": self.waiting_seconds,
        }  # fmt: skip


async def generate(engine: Engine, run: Run) -> AsyncIterator[list[int]]:
    """The reply's ids as they come, the stop id last if one ended it; `run.reason` says why it ended."""
    began = perf_counter()
    if run.max_tokens < 1:
        run.reason = "length"
        return
    run.kept = await engine.prefill(run.prompt, run.stopped)
    run.prefill_seconds = perf_counter() - began
    if run.stopped():
        run.reason = "stopped"
        return
    await engine.write_ids([run.prompt[-1]])
    decoder = _Decoder(engine, run)
    try:
        while not run.reason:
            batch = await decoder.next()
            run.decode_seconds = perf_counter() - began - run.prefill_seconds
            run.first_seconds = run.first_seconds or perf_counter() - began
            run.ids += batch
            yield batch
    finally:
        await decoder.finish()


async def continue_ids(engine: Engine, ids: Sequence[int], max_tokens: int) -> Run:
    """A greedy continuation of raw ids that no id ends, for measuring and comparing."""
    run = Run(ids, GREEDY, max_tokens, frozenset())
    async for _ in generate(engine, run):
        pass
    return run


class _Decoder:
    """Submits decodes ahead and reads their ids in order."""

    def __init__(self, engine: Engine, run: Run) -> None:
        self.engine, self.run = engine, run
        self.first = len(run.prompt) - 1  # the position of the first decode
        self.limit = min(run.max_tokens, engine.settings.capacity - self.first)
        self.submitted = self.seen = 0
        self.abandoned = 0  # tokens that were begun and not ended
        self.batch = 1
        self.flying: deque[tuple[int, asyncio.Future[bytes | None]]] = deque()
        sampling = run.sampling
        engine.write_state(
            State(
                self.first, 1, 0, sampling.seed, sampling.top_k, sampling.temperature,
                sampling.top_p, engine.settings.capacity,
            )
        )  # fmt: skip

    async def next(self) -> list[int]:
        """The ids of the oldest submit, cut where the reply ends."""
        if self.engine.staged and self.run.ids:
            await self.engine.stage(self.run.ids[-1:])
        while len(self.flying) < self._depth() and self.submitted < self.limit:
            self._submit()
        times, future = self.flying.popleft()
        began, encoded = perf_counter(), self.engine.device.encoding_seconds
        clock = self.engine.pace.clock
        submitted = clock()
        data = await future
        encoding = self.engine.device.encoding_seconds - encoded
        self.run.encoding_seconds += encoding
        self.run.waiting_seconds += perf_counter() - began - encoding
        if data is None:
            self.submitted -= times
            self.abandoned = times
            self.run.reason = "stopped"
            return []
        ring = memoryview(data).cast("I")
        self._pace(times, clock() - submitted)
        ids = [ring[(self.seen + i) % REPLY] for i in range(times)]
        self.seen += times
        if max(ids) >= self.engine.settings.config.vocab:
            self.run.reason = "failed"
            raise not_finite(self.engine) if NO_ID in ids else outside(self.engine, max(ids))
        return self._cut(ids)

    def _depth(self) -> int:
        """Submits in flight at most."""
        return 1 if self.engine.staged or self._is_cut() else 2

    def _submit(self) -> None:
        fitting = self.engine.passes_in_a_submit("decode", self._here())
        times = min(self.batch, fitting, self.limit - self.submitted)
        wanted = Slice("reply", 0, 4 * REPLY)
        replay = self.engine.run("decode", self._here(), times, wanted, self.run.stopped)
        self.flying.append((times, asyncio.ensure_future(replay)))
        self.submitted += times

    def _is_cut(self) -> bool:
        """Whether one token takes several submits."""
        return self.engine.is_cut("decode", self._here())

    def _here(self) -> Span:
        """What the next pass goes over."""
        return Span(1, self.first + self.submitted)

    def _pace(self, times: int, seconds: float) -> None:
        if self.engine.staged:
            return  # the next row is known once the last id is
        if seconds < SUBMIT_SECONDS:
            self.batch = min(BATCH, max(self.batch, 2 * times))
        elif seconds > 2 * SUBMIT_SECONDS:
            self.batch = max(1, times // 2)

    def _cut(self, ids: list[int]) -> list[int]:
        run = self.run
        for count, token_id in enumerate(ids, 1):
            if token_id in run.stop_ids:
                run.reason = "stop"
                return ids[:count]
        if self.seen >= self.limit:
            run.reason = "length" if self.limit == run.max_tokens else "context"
        elif run.stopped():
            run.reason = "stopped"
        return ids

    async def finish(self) -> None:
        """Wait for what is in flight, and tell the cache what it holds now."""
        for _, future in self.flying:
            await future
        cache, run = self.engine.cache, self.run
        if run.reason == "failed":  # what the cache holds may be as wrong as what came of it
            cache.forget()
            return
        known = [*run.prompt, *run.ids]
        written = self.first + self.submitted
        cache.extend(known[len(cache.ids) : min(written, len(known))])
        cache.overshoot(written + self.abandoned)
        run.reason = run.reason or "stopped"


def not_finite(engine: Engine) -> DeviceError:
    """What to tell where logits were infinite or no numbers at all."""
    settings = engine.settings
    wider = "" if settings.kv == "f32" else "with the cache in f32 (--kv f32), or "
    return DeviceError(
        f"{settings.facts.adapter} computed logits of {engine.manifest.model} that are not finite, so the reply "
        f"ended. Update the graphics driver. If that does not help, try {wider}with other weights "
        f"(gemtab build --weights f16), and see with `gemtab verify` whether the site is whole."
    )


def outside(engine: Engine, token_id: int) -> DeviceError:
    """What to tell where a device chose what is no token."""
    settings = engine.settings
    return DeviceError(
        f"{settings.facts.adapter} chose the token id {token_id} of {engine.manifest.model}, whose ids are 0 to "
        f"{settings.config.vocab - 1}, so the reply ended. Update the graphics driver, and try again."
    )

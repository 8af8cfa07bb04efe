"""An artifact, run on a GPU of this machine: through wgpu-py, or in a headless browser."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

from gemtab.contracts.errors import UsageError
from gemtab.generate.engine import Engine, Report
from gemtab.generate.fitting import LateProof, fitted
from gemtab.generate.loop import continue_ids
from gemtab.generate.sampling import Sampling, choose_sampling
from gemtab.generate.session import Session
from gemtab.gpu.native import NativeDevice
from gemtab.plan.memory import place_table
from gemtab.plan.settings import Settings
from gemtab.text.chat_template import ChatTemplate
from gemtab.text.prompt import Prompter
from gemtab.text.tokenizer import Tokenizer
from gemtab.trial.notes import Notes
from gemtab.weights.files import FileArtifact
from gemtab_build.run.file_notes import FileNotes

T = TypeVar("T")
Say = Callable[[str, str], None]  # kind ("thinking" | "text"), piece


class Continued(NamedTuple):
    """A continuation of raw ids, and its seconds: prefill, first, total."""

    ids: list[int]
    timing: dict[str, float]


class Runner(Protocol):
    """What the verbs `logits` and `run` ask of either executor."""

    def logits(self, ids: Sequence[int]) -> bytes:
        """f32 [tokens, vocab]."""
        ...

    def reply(
        self, request: Mapping[str, Any], sampling: Sampling | None, say: Say
    ) -> dict[str, Any]:
        """One reply; the fields of `gemtab run --json`."""
        ...

    def continue_ids(self, ids: Sequence[int], max_tokens: int) -> Continued:
        """A greedy continuation of raw ids that no id ends."""
        ...


def check_ids(ids: Sequence[int], vocab: int) -> None:
    """UsageError for an id that the model does not have."""
    for index, token_id in enumerate(ids):
        if not 0 <= token_id < vocab:
            raise UsageError(f"ids[{index}] is {token_id}; this model's ids are 0 to {vocab - 1}.")


def _tell(line: str) -> None:
    """A line for the person, past what a program reads."""
    sys.stderr.write(f"note: {line}\n")


class NativeRunner:
    """The engine over wgpu-py, in this process."""

    def __init__(
        self,
        folder: Path,
        kv: str,
        chunk: int | None,
        context: int | None,
        report: Report,
        ple: str = "auto",
        notes: Notes | None = None,
    ) -> None:
        self.artifact = FileArtifact(folder)
        manifest = self.artifact.manifest
        device = NativeDevice()
        settings = Settings.chosen(manifest.config, device.facts, context, kv, chunk)
        shaders = self.artifact.shaders()
        kept = notes or FileNotes()
        settings = asyncio.run(
            fitted(device, manifest, settings, shaders, kept, _tell, pick_chunk=chunk is None)
        )
        self._proof = LateProof(device, manifest, settings, shaders, kept)
        if asyncio.run(self._proof.doubted()):
            asyncio.run(self._proof.run())
        settings = place_table(settings, manifest.tensors, ple)
        upload = partial(self.artifact.upload, device)
        stage = partial(self.artifact.stage, device)
        self.engine = asyncio.run(
            Engine.load(device, manifest, settings, shaders, upload, report, stage)
        )

    def logits(self, ids: Sequence[int]) -> bytes:
        """f32 [tokens, vocab]."""
        return asyncio.run(self._proven(self.engine.logits(ids)))

    def continue_ids(self, ids: Sequence[int], max_tokens: int) -> Continued:
        """A greedy continuation of raw ids."""
        run = asyncio.run(self._proven(continue_ids(self.engine, ids, max_tokens)))
        return Continued(run.ids, run.timing())

    @cached_property
    def session(self) -> Session:
        """One conversation after another; what two share stays in the cache."""
        tokenizer = Tokenizer.from_bytes(self.artifact.file("tokenizer"))
        source = self.artifact.file("chat_template").decode()
        template = ChatTemplate(source, dict(self.artifact.manifest.special_tokens))
        return Session(self.engine, tokenizer, Prompter(tokenizer, template))

    def reply(
        self, request: Mapping[str, Any], sampling: Sampling | None, say: Say
    ) -> dict[str, Any]:
        """One reply; the fields of `gemtab run --json`."""
        session = self.session
        chosen = sampling or choose_sampling(self.artifact.manifest.generation)

        async def run() -> dict[str, Any]:
            limit = request["max_tokens"] or self.engine.settings.capacity
            events = session.reply(
                request["messages"], chosen, limit, request["tools"], request["thinking"]
            )
            async for event in events:
                if event.kind in ("thinking", "text"):
                    say(event.kind, event.piece)
            assert session.last is not None
            return session.last.to_json()

        return asyncio.run(self._proven(run()))

    async def _proven(self, work: Awaitable[T]) -> T:
        """What comes of it, once the kernels of a small site have been tried as well: DeviceError if one fails."""
        found = await work
        await self._proof.run()
        return found

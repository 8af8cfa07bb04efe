"""The door: messages from the page to sessions, and back. Called by web/engine/worker.js."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any

from gemtab.contracts.errors import DeviceError, GemtabError, UsageError
from gemtab.contracts.manifest import Manifest
from gemtab.contracts.names import PLE_EMBED
from gemtab.generate.engine import Engine
from gemtab.generate.fitting import LateProof, fit_json, fitted
from gemtab.generate.load_choices import LoadChoices
from gemtab.generate.loop import continue_ids
from gemtab.generate.requests import ContinueRequest, ReplyRequest, ids_of
from gemtab.generate.session import Session
from gemtab.gpu.page import PageDevice, settled
from gemtab.plan.memory import place_table
from gemtab.plan.settings import Settings
from gemtab.text.chat_template import ChatTemplate
from gemtab.text.prompt import Prompter
from gemtab.text.tokenizer import Tokenizer
from gemtab.trial.page import PageNotes
from gemtab.weights.placing import Target
from gemtab.weights.rows import TablePlane

CHAT_FILES = ("tokenizer", "chat_template")
IDLE_SECONDS = 5.0  # without a reply, after which a small site's kernels are tried


class Door:
    """One page's engine. `handle` returns at once; answers go out through the host."""

    def __init__(self, host: Any) -> None:
        self._host = host
        self._engine: Engine | None = None
        self._session: Session | None = None  # none for a model without a chat's files
        self._manifest: Manifest | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped: set[int] = set()
        self._answered = asyncio.Event()
        self._refused: DeviceError | None = None
        self._turn = asyncio.Lock()  # one reply at a time: they share the cache

    def handle(self, message: str) -> None:
        """Take a message of the page's."""
        request = json.loads(message)
        if request["type"] == "stop":
            self._stopped.add(request["id"])
            return
        works = {
            "load": self._load,
            "reply": self._reply,
            "logits": self._logits,
            "continue": self._continue,
        }
        work = works.get(request["type"], self._unknown)(request)
        task = asyncio.ensure_future(self._guarded(work, request.get("id")))
        self._tasks.add(task)  # a task that nobody holds may be collected
        task.add_done_callback(self._tasks.discard)

    def _post(self, **answer: Any) -> None:
        self._host.post(json.dumps(answer))

    def _notice(self, message: str) -> None:
        """A line for the person while the model loads."""
        self._post(type="notice", message=message)

    async def _guarded(self, work: Any, request_id: int | None) -> None:
        """Run a request; what goes wrong becomes a message for the person."""
        try:
            await work
        except GemtabError as error:
            kind = type(error).__name__
            self._post(type="error", id=request_id, message=str(error), kind=kind)
        except Exception as error:  # the page must hear of a bug of ours, whatever it is
            message = (
                f"The engine failed: {getattr(error, 'message', None) or error!r}. Reload the page."
            )
            self._post(type="error", id=request_id, message=message, kind="EngineFailure")

    async def _unknown(self, request: Mapping[str, Any]) -> None:
        raise UsageError(f"There is no request of type {request['type']!r}.")

    async def _load(self, request: Mapping[str, Any]) -> None:
        choices = LoadChoices.of(request)
        manifest = Manifest.from_json(await self._host.manifest())
        self._manifest = manifest
        device = PageDevice(self._host)
        facts = device.facts
        if choices.memory:
            facts = replace(facts, memory=choices.memory)
        settings = Settings.chosen(
            manifest.config, facts, choices.context, choices.kv, choices.chunk
        )
        shaders = json.loads(await settled(self._host.kernels()))
        notes = PageNotes(self._host)
        settings = await fitted(
            device,
            manifest,
            settings,
            shaders,
            notes,
            self._notice,
            pick_chunk=choices.chunk is None,
        )
        proof = LateProof(device, manifest, settings, shaders, notes)
        table = manifest.tensors.get(PLE_EMBED)
        sources = sorted({piece.source for piece in table.pieces}) if table else []
        coming = await settled(self._host.missing(json.dumps(sources)))
        place = choices.ple or "auto"
        settings = place_table(settings, manifest.tensors, place, coming=coming)
        engine, texts, doubted = await asyncio.gather(
            Engine.load(device, manifest, settings, shaders, self._upload, stage=self._stage),
            self._texts(manifest),  # while shaders compile
            proof.doubted(),
        )
        if doubted:
            await proof.run()
        if engine.table:
            self._host.openTable(json.dumps([asdict(plane) for plane in engine.table]))
        self._engine = engine
        if texts:
            self._session = Session(engine, *texts)
        self._post(
            type="ready",
            model=manifest.model,
            context=settings.capacity,
            adapter=device.facts.adapter,
            fit=fit_json(settings),
        )
        await settled(self._host.noteKernels(json.dumps(engine.kernel_names())))
        with suppress(DeviceError):  # they will be asked for again, and it is told then
            await engine.compile_shorter()
        await self._prove(proof)

    async def _prove(self, proof: LateProof) -> None:
        """Behind the first reply, or where none is asked for soon; after a failure nothing is answered."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._answered.wait(), IDLE_SECONDS)
        try:
            await proof.run()
        except DeviceError as error:
            self._refused = error
            raise

    def _ready(self) -> Engine:
        """The engine, once it is loaded, unless the device was found wanting."""
        if self._refused:
            raise self._refused
        if self._engine is None:
            raise UsageError("The model is not loaded yet. Wait until it is ready.")
        return self._engine

    def _chat(self) -> Session:
        """The session of a model that can chat."""
        engine = self._ready()
        if self._session is None:
            lacking = " and no ".join(
                name for name in CHAT_FILES if name not in engine.manifest.files
            )
            raise UsageError(
                f"The model has no {lacking} file, which a chat needs. Build it with one."
            )
        return self._session

    async def _texts(self, manifest: Manifest) -> tuple[Tokenizer, Prompter] | None:
        """What turns text into ids; None for a model that has not what a chat takes: its logits can be had."""
        if not manifest.files.keys() >= set(CHAT_FILES):
            return None
        tokenizer = Tokenizer.from_bytes(await self._file("tokenizer"))
        source = (await self._file("chat_template")).decode()
        return tokenizer, Prompter(tokenizer, ChatTemplate(source, dict(manifest.special_tokens)))

    async def _file(self, name: str) -> bytes:
        assert self._manifest is not None
        found = await settled(self._host.fetchFile(self._manifest.files[name].url))
        return bytes(found.to_bytes())

    async def _upload(self, index: int, targets: Sequence[Target]) -> None:
        """Bytes go from the network to the GPU in JavaScript, past the Python heap."""
        wanted = [[t.buffer, t.buffer_offset, t.source_offset, t.bytes] for t in targets]
        await settled(self._host.uploadSource(index, json.dumps(wanted)))

    async def _stage(self, _table: Sequence[TablePlane], ids: Sequence[int]) -> None:
        """Rows go from where the table lies to the GPU in JavaScript, all planes in one call."""
        await settled(self._host.stageRows(json.dumps(list(ids))))

    async def _reply(self, request: Mapping[str, Any]) -> None:
        request_id = request["id"]
        async with self._turn:
            session = self._chat()
            generation, capacity = (
                session.engine.manifest.generation,
                session.engine.settings.capacity,
            )
            wanted = ReplyRequest.of(request, generation, capacity)
            events = session.reply(
                wanted.messages,
                wanted.sampling,
                wanted.max_tokens,
                wanted.tools,
                wanted.thinking,
                lambda: request_id in self._stopped or self._refused is not None,
            )
            async for event in events:
                if event.kind == "tool_call":
                    self._post(type="call", id=request_id, call=event.call)
                elif event.kind in ("thinking", "text"):
                    self._post(type="piece", id=request_id, kind=event.kind, text=event.piece)
            self._stopped.discard(request_id)
            self._answered.set()
            reply = session.last
            assert reply is not None
            self._post(
                type="done",
                id=request_id,
                message=reply.response.to_message(),
                ids=list(reply.ids),
                stopReason=reply.stop_reason,
                usage=dict(reply.usage),
                timing=dict(reply.timing),
                reply=reply.to_json(),
            )

    async def _logits(self, request: Mapping[str, Any]) -> None:
        async with self._turn:
            engine = self._ready()
            found = await engine.logits(ids_of(request, engine.manifest.config.vocab))
            self._answered.set()
            self._post(type="logits", id=request["id"], logits=b64encode(found).decode())

    async def _continue(self, request: Mapping[str, Any]) -> None:
        async with self._turn:
            engine = self._ready()
            wanted = ContinueRequest.of(request, engine.manifest.config.vocab)
            if wanted.fresh:
                engine.cache.forget()
            run = await continue_ids(engine, wanted.ids, wanted.max_tokens)
            self._answered.set()
            self._post(type="continued", id=request["id"], ids=run.ids, timing=run.timing())


def start(host: Any) -> Door:
    """The page's end of the engine."""
    return Door(host)

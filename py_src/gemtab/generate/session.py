"""A conversation with a loaded model: messages in, pieces of a reply out."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gemtab.generate.engine import Engine
from gemtab.generate.loop import Run, generate
from gemtab.generate.sampling import Sampling
from gemtab.text.messages import check_no_media
from gemtab.text.prompt import Prompter
from gemtab.text.reply_reader import ReplyReader
from gemtab.text.response import Response
from gemtab.text.stream_parser import Event
from gemtab.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class Reply:
    """A finished reply: what it says, its ids without the stop id, why it ended, what it took."""

    response: Response
    ids: tuple[int, ...]
    stop_reason: str
    usage: Mapping[str, int]
    timing: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """The fields of `gemtab run --json`."""
        parsed = self.response.to_json()
        return {
            "text": parsed["text"],
            "thinking": parsed["thinking"],
            "tool_calls": parsed["tool_calls"],
            "ids": list(self.ids),
            "stop_reason": self.stop_reason,
            "usage": dict(self.usage),
            "timing": dict(self.timing),
        }


class Session:
    """Turns conversations into replies; the engine's cache keeps what two of them share."""

    def __init__(self, engine: Engine, tokenizer: Tokenizer, prompter: Prompter) -> None:
        self.engine = engine
        self.tokenizer = tokenizer
        self.prompter = prompter
        self.last: Reply | None = None

    async def reply(
        self,
        messages: Sequence[Mapping[str, Any]],
        sampling: Sampling,
        max_tokens: int,
        tools: Sequence[Mapping[str, Any]] | None = None,
        thinking: bool = False,
        stopped: Callable[[], bool] = lambda: False,
    ) -> AsyncIterator[Event]:
        """The reply's events as they come; afterwards `last` has it whole."""
        prompt = self.prompter.prompt(messages, tools, thinking)
        check_no_media(messages)
        stop_ids = frozenset(self.engine.manifest.generation.stop_ids)
        run = Run(prompt.ids, sampling, max_tokens, stop_ids, stopped)
        reader = ReplyReader(self.tokenizer, in_thought=prompt.opens_thought)
        async for batch in generate(self.engine, run):
            for event in reader.push(batch):
                yield event
        for event in reader.finish():
            yield event
        self.last = _reply(run, reader.response())


def _reply(run: Run, response: Response) -> Reply:
    ids = tuple(run.ids[:-1] if run.reason == "stop" else run.ids)
    seconds = run.decode_seconds
    usage = {
        "prompt_tokens": len(run.prompt),
        "cached_tokens": run.kept,
        "completion_tokens": len(run.ids),
        "seed": run.sampling.seed,
    }
    timing = {
        "prefill_seconds": round(run.prefill_seconds, 4),
        "decode_seconds": round(seconds, 4),
        "tokens_per_second": round(len(run.ids) / seconds, 2) if seconds else 0.0,
    }
    return Reply(response, ids, run.reason, usage, timing)

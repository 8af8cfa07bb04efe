"""A reply as a whole: its thought, its text, its tool calls."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from gemtab.text.stream_parser import END_THOUGHT, THOUGHT, Event, StreamParser

_THOUGHT_MARKER = re.compile(f"{re.escape(THOUGHT)}|{re.escape(END_THOUGHT)}")


@dataclass(frozen=True)
class Response:
    """What a reply holds.

    thinking     the thoughts without their markup, None if there is none
    text         what the user sees
    tool_calls   {"type": "function", "function": {"name": …, "arguments": {…}}}, in order
    incomplete   it broke off in a thought or a call, or a call made no sense
    unparsed     such calls, raw: never run, never lost
    """

    thinking: str | None = None
    text: str = ""
    tool_calls: list[dict[str, Any]] = field(default_factory=list)
    incomplete: bool = False
    unparsed: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, events: Iterable[Event], incomplete: bool) -> "Response":
        """The sum of all events of a stream."""
        events = list(events)
        pieces = {
            kind: [event.piece for event in events if event.kind == kind]
            for kind in ("thinking", "text", "unparsed")
        }
        return cls(
            thinking="".join(pieces["thinking"]) or None,
            text="".join(pieces["text"]),
            tool_calls=[event.call for event in events if event.call is not None],
            incomplete=incomplete,
            unparsed=pieces["unparsed"],
        )

    def to_json(self) -> dict[str, Any]:
        """As `gemtab parse` prints it."""
        return {
            "thinking": self.thinking,
            "text": self.text,
            "tool_calls": self.tool_calls,
            "incomplete": self.incomplete,
        }

    def to_message(self) -> dict[str, Any]:
        """As a message of the history. Calls get ids, so that each answer finds its call."""
        message: dict[str, Any] = {"role": "assistant", "content": self.text}
        if self.thinking is not None:
            message["reasoning"] = self.thinking
        if self.tool_calls:
            calls = enumerate(self.tool_calls)
            message["tool_calls"] = [{"id": f"call_{i}", **call} for i, call in calls]
        return message


def parse(text: str, in_thought: bool | None = None) -> Response:
    """A raw reply, special tokens as text -> Response.

    `in_thought`: the prompt has opened a thought. By default the reply itself tells: one that
    closes a thought before it opens any was in one from the start.
    """
    if in_thought is None:
        first = _THOUGHT_MARKER.search(text)
        in_thought = first is not None and first[0] == END_THOUGHT
    parser = StreamParser(in_thought)
    events = parser.push(text) + parser.finish()
    return Response.of(events, parser.incomplete)

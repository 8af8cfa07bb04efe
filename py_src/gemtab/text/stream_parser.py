"""A reply told apart as it streams: what is thought, what is said, what is called.

The parser takes text and markers. Where ids are at hand the markers come from special tokens
alone (`reply_reader.py`), so a model that merely quotes `<|tool_call>` calls nothing;
`StreamParser.push` finds them in plain text instead.
"""

import re
from dataclasses import dataclass
from typing import Any, Literal

from gemtab.text.call_scanner import QUOTE, MalformedCallError, scan_call
from gemtab.text.reply_parts import Answer, Thinking

THOUGHT, END_THOUGHT = "<|channel>", "<channel|>"
CALL, END_CALL = "<|tool_call>", "<tool_call|>"
RESPONSE, END_RESPONSE = "<|tool_response>", "<tool_response|>"
ENDS = ("<turn|>", "<|turn>", "<eos>")
IGNORED = ("<bos>", "<pad>", "<|think|>", "<|tool>", "<tool|>", QUOTE)

State = Literal["text", "thought", "call", "response", "ended"]

_OPENS: dict[str, State] = {THOUGHT: "thought", CALL: "call", RESPONSE: "response"}
_CLOSES: dict[str, State] = {END_THOUGHT: "thought", END_CALL: "call", END_RESPONSE: "response"}
_MARKERS = (*_OPENS, *_CLOSES, *ENDS, *IGNORED)
_MARKER = re.compile("|".join(map(re.escape, _MARKERS)))
_BEGINNINGS = {marker[:n] for marker in _MARKERS for n in range(1, len(marker))}
_LONGEST = max(map(len, _BEGINNINGS))


@dataclass(frozen=True)
class Event:
    """Something that a reply turned out to hold.

    kind        "thinking", "text": more of it, in `piece`
                "tool_call": a whole one, in `call`
                "unparsed": a call that broke off or made no sense, raw in `piece`
    """

    kind: Literal["thinking", "text", "tool_call", "unparsed"]
    piece: str = ""
    call: dict[str, Any] | None = None


class StreamParser:
    """Takes a reply in pieces, gives events; no marker and no part of one is ever in them."""

    def __init__(self, in_thought: bool = False) -> None:
        """`in_thought`: the prompt has opened a thought, head and all (`Prompt.opens_thought`)."""
        self._state: State = "thought" if in_thought else "text"
        self._thinking = Thinking(headless=in_thought)
        self._answer = Answer()
        self._call = ""
        self._buffer = ""  # the end of the text so far, where it may begin a marker
        self.incomplete = False
        """The reply broke off in a thought or a call, or a call made no sense."""
        if in_thought:
            self._answer.block()

    def push(self, text: str) -> list[Event]:
        """Text in which special tokens stand as text."""
        text = self._buffer + text
        events: list[Event] = []
        done = 0
        for found in _MARKER.finditer(text):
            events += self.text(text[done : found.start()])
            events += self.marker(found[0])
            done = found.end()
        waiting = _begun(text[done:])
        self._buffer = text[len(text) - waiting :] if waiting else ""
        return events + self.text(text[done : len(text) - waiting])

    def text(self, text: str) -> list[Event]:
        """Text without markers."""
        if self._state == "thought":
            return _some("thinking", self._thinking.push(text))
        if self._state == "text":
            return _some("text", self._answer.push(text))
        if self._state == "call":
            self._call += text
        return []

    def marker(self, marker: str) -> list[Event]:
        """A special token."""
        if self._state == "ended":
            return []
        if marker in ENDS:
            return self._end()
        if self._state == "call" and marker == QUOTE:
            self._call += marker
        elif marker in _OPENS and self._state != "response":
            events = self._leave()
            self._state = _OPENS[marker]
            self._answer.block()
            return events
        elif _CLOSES.get(marker) == self._state:
            events = self._close_call() if self._state == "call" else self._leave()
            self._state = "text"
            return events
        return []

    def finish(self) -> list[Event]:
        """The reply is over: what was held back. Read `incomplete` afterwards."""
        events = self.text(self._buffer)
        self._buffer = ""
        return events if self._state == "ended" else events + self._end()

    def _end(self) -> list[Event]:
        self.incomplete |= self._state == "thought"
        events = self._leave() + _some("text", self._answer.end())
        self._state = "ended"
        return events

    def _leave(self) -> list[Event]:
        """Give up the state at hand; a call that is still open broke off."""
        if self._state == "thought":
            self._thinking.end()
        if self._state == "call":
            return self._give_up_call()
        return []

    def _close_call(self) -> list[Event]:
        try:
            name, arguments = scan_call(self._call)
        except MalformedCallError:
            return self._give_up_call()
        self._call = ""
        function = {"name": name, "arguments": arguments}
        return [Event("tool_call", call={"type": "function", "function": function})]

    def _give_up_call(self) -> list[Event]:
        raw, self._call = self._call, ""
        self.incomplete = True
        return [Event("unparsed", raw)]


def _begun(text: str) -> int:
    """How many characters at the end may be the beginning of a marker."""
    for length in range(min(_LONGEST, len(text)), 0, -1):
        if text[-length:] in _BEGINNINGS:
            return length
    return 0


def _some(kind: Literal["thinking", "text"], piece: str) -> list[Event]:
    return [Event(kind, piece)] if piece else []

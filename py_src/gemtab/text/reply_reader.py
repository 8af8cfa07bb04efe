"""Ids of a reply to events: markers are special tokens, all else is text whatever it spells."""

from collections.abc import Iterable

from gemtab.text.detokenizer import Detokenizer
from gemtab.text.response import Response
from gemtab.text.stream_parser import Event, StreamParser
from gemtab.text.tokenizer import Tokenizer


class ReplyReader:
    """Reads a reply as its ids arrive."""

    def __init__(self, tokenizer: Tokenizer, in_thought: bool = False) -> None:
        """`in_thought`: the prompt has opened a thought (`Prompt.opens_thought`)."""
        self._markers = {token_id: string for string, token_id in tokenizer.markup.items()}
        self._detokenizer = Detokenizer(tokenizer, skip_special=False)
        self._parser = StreamParser(in_thought)
        self._events: list[Event] = []

    def push(self, ids: Iterable[int]) -> list[Event]:
        """What these ids settle."""
        events: list[Event] = []
        for token_id in ids:
            marker = self._markers.get(token_id)
            if marker is None:
                events += self._parser.text(self._detokenizer.push([token_id]))
            else:
                events += self._parser.text(self._detokenizer.finish())
                events += self._parser.marker(marker)
        self._events += events
        return events

    def finish(self) -> list[Event]:
        """What was held back."""
        events = self._parser.text(self._detokenizer.finish()) + self._parser.finish()
        self._events += events
        return events

    def response(self) -> Response:
        """All of the reply so far."""
        return Response.of(self._events, self._parser.incomplete)

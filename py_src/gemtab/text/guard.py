"""Marks in a person's text, so that `<|turn>` typed by hand never becomes the turn marker.

A template mixes its own markers with people's strings, and afterwards nobody can tell them apart.
So a mark, a private character that occurs nowhere else, goes into every special string of the
conversation before it is rendered: no longer found as one when the prompt is tokenised, it is
text like any other. Then the marks are taken out. Without special strings nothing is touched.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from gemtab.contracts.errors import UsageError

THOUGHT_MARKERS = ("<|channel>", "<channel|>")
"""Stay as they are in what the assistant said, for templates look for them to strip thoughts."""

_PRIVATE = (range(0xE000, 0xF900), range(0xF0000, 0xFFFFE), range(0x100000, 0x10FFFE))


class Guard:
    """Marks some special strings wherever they occur in messages."""

    def __init__(self, markup: Iterable[str]) -> None:
        strings = sorted({string.lower() for string in markup}, key=len, reverse=True)
        self._all = _Finder(strings)
        self._spoken = _Finder([s for s in strings if s not in THOUGHT_MARKERS])
        self._avoid = "".join(strings)

    def pick(self, *values: Any) -> str:
        """A character to mark with that occurs in none of these values, escaped or not."""
        text = self._avoid + "\n".join(string for value in values for string in strings_in(value))
        used = set(text)
        for code in (code for block in _PRIVATE for code in block):
            if chr(code) not in used and escaped(chr(code)) not in text:
                return chr(code)
        raise UsageError("The messages use every private character there is. Take some out.")

    def message(self, message: Mapping[str, Any], mark: str) -> dict[str, Any]:
        """A message with its special strings marked."""
        marked = {}
        for key, value in message.items():
            if key == "role":
                marked[key] = value
            elif key == "content" and message.get("role") == "assistant":
                marked[key] = _map_strings(value, lambda text: self._spoken.mark(text, mark))
            else:
                marked[key] = self.data(value, mark)
        return marked

    def data(self, value: Any, mark: str) -> Any:
        """Any JSON value with the special strings in it marked, keys too."""
        return _map_strings(value, lambda text: self._all.mark(text, mark))


class _Finder:
    """Finds where marks must stand for none of some strings to be found."""

    def __init__(self, strings: list[str]) -> None:
        pattern = "|".join(map(re.escape, strings))
        # In any case: a template may write `{{ type | upper }}` or lower.
        self._pattern = re.compile(f"(?=({pattern}))", re.IGNORECASE) if strings else None
        self._beginnings = {s[:n] for s in strings for n in range(1, len(s))}
        self._longest = max(map(len, self._beginnings), default=0)

    def mark(self, text: str, mark: str) -> str:
        if not self._pattern:
            return text
        places = {}
        for found in self._pattern.finditer(text):
            alone = len(found[1]) == 1  # nothing fits inside, so two marks stand before it
            places[found.start() + (not alone)] = mark * (1 + alone)
        for start in self._begun(text):
            places.setdefault(start + 1, mark)
        for place in sorted(places, reverse=True):
            text = text[:place] + places[place] + text[place:]
        return text

    def _begun(self, text: str) -> Iterator[int]:
        """Where the end of a text begins a special string that the next text might complete."""
        for end in {len(text), len(text.rstrip())}:
            for start in range(max(0, end - self._longest), end):
                if text[start:end].lower() in self._beginnings:
                    yield start


def escaped(mark: str) -> str:
    """How a mark looks after JSON with ASCII escapes."""
    return json.dumps(mark)[1:-1]


def strings_in(value: Any) -> Iterator[str]:
    """Every string in a JSON value, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from strings_in(key)
            yield from strings_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from strings_in(item)


def _map_strings(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {_map_strings(k, change): _map_strings(v, change) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_map_strings(item, change) for item in value]
    return value

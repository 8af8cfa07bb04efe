"""Tool calls as Gemma writes them, `call:NAME{key:<|"|>text<|"|>,n:2,list:[true,null]}`."""

import json
import math
import re
from typing import Any

QUOTE = '<|"|>'
DEEPEST = 64  # nesting; more is noise, and Python's stack is not endless

_HEAD = re.compile(r"\s*call:\s*([^{}\s]+)\s*")
_INTEGER = re.compile(r"[+-]?\d{1,1000}")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_LITERALS = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}
_JSON = json.JSONDecoder()


class MalformedCallError(Exception):
    """A call that breaks off or follows another grammar."""


def scan_call(body: str) -> tuple[str, dict[str, Any]]:
    """What stands between `<|tool_call>` and `<tool_call|>` -> (name, arguments)."""
    head = _HEAD.match(body)
    if not head:
        raise MalformedCallError(body)
    rest = body[head.end() :]
    if not rest:
        return head[1], {}
    scanner = _Scanner(rest)
    arguments = scanner.mapping(0)
    scanner.end()
    return head[1], arguments


class _Scanner:
    """Reads values from the left; a value that is no literal and no number is a string."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def mapping(self, depth: int) -> dict[str, Any]:
        """`{key:value,…}` with keys bare or quoted."""
        self._expect("{")
        found: dict[str, Any] = {}
        while not self._take("}"):
            key = self._quoted()
            if key is None:
                key = self._until(":")
            self._expect(":")
            found[key] = self._value(depth + 1)
            if not self._take(",") and not self._next("}"):
                raise MalformedCallError(self._text)
        return found

    def end(self) -> None:
        """Nothing may follow."""
        if self._text[self._at :].strip():
            raise MalformedCallError(self._text)

    def _value(self, depth: int) -> Any:
        if depth > DEEPEST:
            raise MalformedCallError(self._text)
        quoted = self._quoted()
        if quoted is not None:
            return quoted
        if self._next("{"):
            return self.mapping(depth)
        if self._next("["):
            return self._list(depth)
        return _literal(self._until(",}]"))

    def _list(self, depth: int) -> list[Any]:
        self._expect("[")
        found: list[Any] = []
        while not self._take("]"):
            found.append(self._value(depth + 1))
            if not self._take(",") and not self._next("]"):
                raise MalformedCallError(self._text)
        return found

    def _quoted(self) -> str | None:
        """A string in Gemma's quotes or, as models slip into, JSON's; None if there is neither."""
        self._skip_space()
        if self._text.startswith(QUOTE, self._at):
            start = self._at + len(QUOTE)
            stop = self._text.find(QUOTE, start)
            if stop < 0:
                raise MalformedCallError(self._text)
            self._at = stop + len(QUOTE)
            return self._text[start:stop]
        if not self._text.startswith('"', self._at):
            return None
        try:
            value, self._at = _JSON.raw_decode(self._text, self._at)
        except ValueError as error:
            raise MalformedCallError(self._text) from error
        return str(value)

    def _until(self, ends: str) -> str:
        start = self._at
        while self._at < len(self._text) and self._text[self._at] not in ends:
            self._at += 1
        if self._at == len(self._text):
            raise MalformedCallError(self._text)
        return self._text[start : self._at].strip()

    def _skip_space(self) -> None:
        while self._text[self._at : self._at + 1].isspace():
            self._at += 1

    def _next(self, character: str) -> bool:
        self._skip_space()
        return self._text.startswith(character, self._at)

    def _take(self, character: str) -> bool:
        found = self._next(character)
        self._at += found
        return found

    def _expect(self, character: str) -> None:
        if not self._take(character):
            raise MalformedCallError(self._text)


def _literal(word: str) -> Any:
    if word in _LITERALS:
        return _LITERALS[word]
    if _INTEGER.fullmatch(word):
        return int(word)
    if _NUMBER.fullmatch(word):
        number = float(word)
        return number if math.isfinite(number) else word  # JSON has no infinity
    return word

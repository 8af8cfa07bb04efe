"""Cutting added tokens (`<bos>`, `<|turn>`, …) out of a text, leftmost and longest first."""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from gemtab.text.vocabulary import AddedToken

Piece = tuple[AddedToken | None, str]  # a token, or text between two

# Rust's White_Space. Python's \s has U+001C…001F as well.
_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_SPACE_AT_START = re.compile(f"[{_SPACE}]*")


class AddedTokens:
    """A set of added tokens, and how they lie in a text."""

    def __init__(self, tokens: Iterable[tuple[str, AddedToken]]) -> None:
        """`tokens` as (the string to look for, token)."""
        self._by_string: dict[str, AddedToken] = {}
        lengths: dict[str, set[int]] = {}
        for string, token in tokens:
            self._by_string.setdefault(string, token)
            lengths.setdefault(string[0], set()).add(len(string))
        self._lengths = {first: sorted(n, reverse=True) for first, n in lengths.items()}
        firsts = "".join(map(re.escape, self._lengths))
        self._start = re.compile(f"[{firsts}]") if firsts else None

    def split(self, text: str, plain: bool = False, guard: str = "") -> list[Piece]:
        """The text as tokens and what lies between them; no piece is empty.

        With `plain`, markup stays text. A single character that stands after two of `guard`, the
        mark of `guard.py`, stays text too (a longer one has the mark inside and is never found).
        """
        if not self._start:
            return [(None, text)] if text else []
        pieces: list[Piece] = []
        done = 0
        for start, stop, token in self._matches(text):
            if (plain and token.markup) or _is_unfit(token, text, start, stop, guard):
                continue
            if token.lstrip:
                start = max(_start_of_space(text, start), done)
            if token.rstrip:
                stop = _end_of_space(text, stop)
            if done < start:
                pieces.append((None, text[done:start]))
            pieces.append((token, text[start:stop]))
            done = stop
        if done < len(text):
            pieces.append((None, text[done:]))
        return pieces

    def _matches(self, text: str) -> Iterator[tuple[int, int, AddedToken]]:
        assert self._start is not None
        at = 0
        while found := self._start.search(text, at):
            start = found.start()
            at = start + 1
            for length in self._lengths[text[start]]:
                token = self._by_string.get(text[start : start + length])
                if token:
                    at = start + length
                    yield start, at, token
                    break


def _is_unfit(token: AddedToken, text: str, start: int, stop: int, guard: str) -> bool:
    if token.single_word and _touches_word(text, start, stop):
        return True
    return bool(guard) and stop - start == 1 and text.endswith(guard * 2, 0, start)


def _touches_word(text: str, start: int, stop: int) -> bool:
    before, after = text[start - 1 : start] if start else "", text[stop : stop + 1]
    return (before != "" and _is_word(before)) or (after != "" and _is_word(after))


def _is_word(character: str) -> bool:
    """Whether a regular expression of Rust's takes it for \\w."""
    kind = unicodedata.category(character)
    if kind[0] == "L" or kind in ("Mn", "Mc", "Me", "Nd", "Nl", "Pc"):
        return True
    return character in "\u200c\u200d" or "\u24b6" <= character <= "\u24e9"


def _start_of_space(text: str, end: int) -> int:
    start = end
    while start and _SPACE_AT_START.fullmatch(text[start - 1]):
        start -= 1
    return start


def _end_of_space(text: str, start: int) -> int:
    found = _SPACE_AT_START.match(text, start)
    return found.end() if found else start

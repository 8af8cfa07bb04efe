"""Ids to text, piece by piece, never half a character."""

import re
from collections.abc import Iterable
from typing import Protocol

_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2}|\+[0-9A-Fa-f])>")


def byte_of(token: str) -> int | None:
    """The byte that a token such as `<0x0A>` stands for, or None for ordinary text."""
    found = _BYTE.fullmatch(token)
    return int(found[1], 16) if found else None


class Pieces(Protocol):
    """What a detokenizer needs to know of a tokenizer."""

    joiner: str

    def piece(self, token_id: int, skip_special: bool) -> str | int | None:
        """A token's text, its byte, or None where it has no text at all."""


class Detokenizer:
    """Turns ids into text as they come; all pieces joined are `decode` of all ids.

    A run of byte tokens is one unit: if any part of it is not UTF-8, every byte of the run
    becomes U+FFFD. So a run is held back until it ends or until it cannot become valid any more.
    """

    def __init__(self, pieces: Pieces, skip_special: bool = True) -> None:
        self._pieces = pieces
        self._skip_special = skip_special
        self._run = bytearray()
        self._spoilt = False  # the run at hand is no UTF-8, whatever follows
        self._any = False

    def push(self, ids: Iterable[int]) -> str:
        """The text that these ids settle."""
        out: list[str] = []
        for token_id in ids:
            piece = self._pieces.piece(token_id, self._skip_special)
            if piece is None:
                continue
            if isinstance(piece, int):
                out.append(self._push_byte(piece))
                continue
            out.append(self._end_run())
            if self._any:
                out.append(self._pieces.joiner)
            out.append(piece)
            self._any = True
        return "".join(out)

    def finish(self) -> str:
        """What was held back; the next push starts a new text."""
        rest = self._end_run()
        self._any = False
        return rest

    def _push_byte(self, byte: int) -> str:
        if self._spoilt:
            return "\ufffd"
        self._run.append(byte)
        if _can_become_text(self._run):
            return ""
        self._spoilt = True
        return "\ufffd" * len(self._run)

    def _end_run(self) -> str:
        run, spoilt = bytes(self._run), self._spoilt
        self._run.clear()
        self._spoilt = False
        if spoilt or not run:
            return ""
        try:
            return run.decode()
        except UnicodeDecodeError:
            return "\ufffd" * len(run)


def _can_become_text(run: bytearray) -> bool:
    try:
        run.decode()
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return True

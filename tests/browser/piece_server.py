"""A server of small sources that fails in scripted ways, and remembers what it was asked."""

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from browser.site_server import WEB, Handler, serve

HARNESS = Path(__file__).with_name("load_worker.js")
FOLDER = "/pieces/"


@dataclass
class Pieces:
    """What is served under /pieces/: files by name, faults that come before, requests so far."""

    files: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, list["Fault"]] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)  # name, Range
    closing: Event = field(default_factory=Event)
    address: str = ""


Fault = Callable[["PieceHandler", bytes], None]  # answers a request for some bytes


class PieceHandler(Handler):
    """Sends pieces, whole or a range of them, or what a fault makes of it."""

    def __init__(self, *args, pieces: Pieces, **kwargs):
        self.pieces = pieces
        super().__init__(*args, **kwargs)

    def do_GET(self):  # noqa: N802
        with suppress(ConnectionError):  # the tab has left
            self.answer()

    def answer(self) -> None:
        """Send a piece, a fault or a file of the page's."""
        name = self.path.removeprefix(FOLDER)
        if name == self.path:
            super().do_GET()
            return
        self.pieces.asked.append((name, self.headers.get("Range")))
        faults = self.pieces.faults.get(name)
        if faults:
            faults.pop(0)(self, self.pieces.files[name])
        elif name in self.pieces.files:
            send(self, self.pieces.files[name])
        else:
            self.send_error(404)

    def begin(self, status: int, length: int) -> None:
        """Send the head of an answer."""
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.end_headers()


def send(handler: PieceHandler, content: bytes, upto: int | None = None) -> None:
    """Answer as a server should, but break off after `upto` bytes."""
    wanted = handler.headers.get("Range")
    status = 200
    if wanted:
        start, end = map(int, wanted.removeprefix("bytes=").split("-"))
        status, content = (206, content[start : end + 1]) if start < len(content) else (416, b"")
    handler.begin(status, len(content))
    handler.wfile.write(content[:upto])


def status(code: int) -> Fault:
    """A refusal."""
    return lambda handler, _: handler.begin(code, 0)


def cut(after: int) -> Fault:
    """The connection breaks."""
    return lambda handler, content: send(handler, content, after)


def short(after: int) -> Fault:
    """A body that ends early, as if that were all."""

    def answer(handler: PieceHandler, content: bytes) -> None:
        handler.begin(200, after)
        handler.wfile.write(content[:after])

    return answer


def stall(after: int) -> Fault:
    """The connection brings nothing more, and stays open."""

    def answer(handler: PieceHandler, content: bytes) -> None:
        send(handler, content, after)
        handler.pieces.closing.wait()

    return answer


def compressed(after: int | None) -> Fault:
    """The whole file in gzip, with the length of that; broken off after some bytes of it."""

    def answer(handler: PieceHandler, content: bytes) -> None:
        body = gzip.compress(content)
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.send_header("Content-Encoding", "gzip")
        handler.end_headers()
        handler.wfile.write(body[:after])

    return answer


def wrong(handler: PieceHandler, content: bytes) -> None:
    """Other bytes of the same length."""
    send(handler, content[::-1])


def without_ranges(handler: PieceHandler, content: bytes) -> None:
    """The whole file, whatever was asked for."""
    handler.begin(200, len(content))
    handler.wfile.write(content)


@contextmanager
def serve_pieces() -> Iterator[Pieces]:
    """A server of pieces, of the page's files and of a page that loads nothing."""
    pieces = Pieces()
    instead = {"/blank.html": b"<!doctype html><title>Loads nothing</title>", "/load.js": HARNESS}
    with serve(WEB, instead, PieceHandler, pieces=pieces) as pieces.address:
        try:
            yield pieces
        finally:
            pieces.closing.set()

"""A built site without a model, whose server fails in scripted ways and remembers what it was asked."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from browser.piece_server import PieceHandler, Pieces, send
from browser.site_server import serve


class FaultyHandler(PieceHandler):
    """Sends files of the folder, whole or a range of them, or what a fault makes of it."""

    def answer(self) -> None:
        """Send a file or a fault."""
        name = self.path.split("?")[0].lstrip("/")
        file = Path(self.directory) / name
        self.pieces.asked.append((name, self.headers.get("Range")))
        faults = self.pieces.faults.get(name)
        if faults:
            faults.pop(0)(self, file.read_bytes())
        elif self.headers.get("Range") and file.is_file():
            send(self, file.read_bytes())
        else:
            super().answer()

    def begin(self, status: int, length: int) -> None:
        """Send the head of an answer, with the type of what was asked for."""
        self.send_response(status)
        self.send_header("Content-Type", self.guess_type(self.path))
        self.send_header("Content-Length", str(length))
        self.end_headers()


@contextmanager
def serve_faulty(folder: Path, instead: Mapping[str, bytes | Path]) -> Iterator[Pieces]:
    """A server over a site's folder; `instead` are answers to other paths."""
    pieces = Pieces()
    with serve(folder, instead, FaultyHandler, pieces=pieces) as pieces.address:
        try:
            yield pieces
        finally:
            pieces.closing.set()

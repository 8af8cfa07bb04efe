"""Pieces of bytes into shards: files named by their hash, each one source of the manifest."""

import hashlib
from pathlib import Path

from gemtab.contracts.manifest import MAX_SOURCE_BYTES, Piece, Source


class ShardWriter:
    """Fills shards in turn. A shard is on disk as it grows; none is held in memory."""

    def __init__(self, folder: Path, limit: int = MAX_SOURCE_BYTES) -> None:
        self._folder = folder
        self._limit = limit
        self._growing = folder / ".growing.bin"
        self._hash = hashlib.sha256()
        self._bytes = 0
        self.sources: list[Source] = []

    def add(self, plane: str, row: int, rows: int, data: bytes) -> Piece:
        """Append whole rows of a plane, padded to words, and say where they lie."""
        if len(data) > self._limit:
            raise ValueError(f"{rows} rows of {plane} take {len(data)} bytes of {self._limit}")
        if self._bytes + len(data) > self._limit:
            self.close()
        with self._growing.open("ab") as stream:
            stream.write(data)
        self._hash.update(data)
        piece = Piece(plane, row, rows, len(self.sources), self._bytes, len(data))
        self._bytes += len(data)
        return piece

    def close(self) -> None:
        """End the shard at hand and give it its name."""
        if not self._bytes:
            return
        digest = self._hash.hexdigest()
        url = f"{digest[:16]}.bin"
        self._growing.replace(self._folder / url)
        self.sources.append(Source(url, 0, self._bytes, digest))
        self._hash, self._bytes = hashlib.sha256(), 0

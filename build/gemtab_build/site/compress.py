"""gzip forms of a site's files: which are worth one, written beside them, or made while they are served."""

import gzip
import os
import re
import threading
import zlib
from collections.abc import Mapping
from pathlib import Path

SUFFIX = ".gz"
COMPRESSIBLE = {
    ".css", ".html", ".jinja", ".js", ".json", ".mjs", ".svg", ".txt", ".wasm", ".webmanifest",
}  # fmt: skip
VOCABULARY = re.compile(r"^tokenizer\..*\.bin$")  # the other .bin are shards, and read in ranges
LEAST_BYTES = 512  # less fits one packet of a network either way
MOST_BYTES = 64 << 20  # of what is compressed in memory
WORTH = 0.95
QUICK = 4  # a third of the best level's time, for 4 % more bytes


def is_compressible(name: str) -> bool:
    """Whether a file of the site may be sent compressed: never what is read in ranges."""
    return Path(name).suffix.lower() in COMPRESSIBLE or VOCABULARY.match(name) is not None


def precompress(folder: Path) -> set[str]:
    """Write NAME.gz beside each file that gains by it; their paths in `folder`.

    The same file gives the same bytes.
    """
    written = set()
    for path in sorted(folder.rglob("*")):
        if not (path.is_file() and is_compressible(path.name)):
            continue
        data = path.read_bytes()
        packed = gzip.compress(data, 9, mtime=0)
        if len(data) >= LEAST_BYTES and len(packed) < WORTH * len(data):
            beside = path.with_name(path.name + SUFFIX)
            beside.write_bytes(packed)
            written.add(beside.relative_to(folder).as_posix())
    return written


class GzipForms:
    """The gzip forms of files on disk: what lies beside them, if it is theirs, or made once."""

    def __init__(self) -> None:
        self._forms: dict[tuple[Path, int, int], bytes | None] = {}
        self._lock = threading.Lock()

    def of(self, path: Path, status: os.stat_result) -> bytes | None:
        """The gzip form of a file; None if there is nothing to gain."""
        if not (is_compressible(path.name) and LEAST_BYTES <= status.st_size <= MOST_BYTES):
            return None
        key = (path, status.st_mtime_ns, status.st_size)
        with self._lock:  # one thread compresses, others wait for it
            if key not in self._forms:
                self._forms[key] = _form(path)
            return self._forms[key]


def _form(path: Path) -> bytes | None:
    data = path.read_bytes()
    beside = path.with_name(path.name + SUFFIX)
    if beside.is_file():
        packed = beside.read_bytes()
        if is_form_of(packed, data):
            return packed
    packed = gzip.compress(data, QUICK, mtime=0)
    return packed if len(packed) < WORTH * len(data) else None


def is_form_of(packed: bytes, data: bytes) -> bool:
    """Whether a gzip file is of these bytes, by the checksum and the length at its end."""
    end = zlib.crc32(data).to_bytes(4, "little") + (len(data) % 2**32).to_bytes(4, "little")
    return packed.startswith(b"\x1f\x8b") and packed.endswith(end)


def accepts_gzip(header: str | None) -> bool:
    """Whether an `Accept-Encoding` header allows gzip."""
    weights = _weights(header or "")
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def _weights(header: str) -> Mapping[str, float]:
    found = {}
    for part in header.lower().split(","):
        coding, _, parameter = part.partition(";")
        weight = parameter.replace(" ", "").removeprefix("q=") or "1"
        try:
            found[coding.strip()] = float(weight)
        except ValueError:
            found[coding.strip()] = 0.0
    return found

"""One large file of the Hub into the cache, going on where an earlier run ended.

huggingface_hub resumes within a run and drops a broken file when the run ends; a checkpoint of
ten gigabytes is one file. So it is fetched to `blobs/HASH.incomplete`, which stays, and becomes
`blobs/HASH`, where huggingface_hub looks for it.
"""

import hashlib
import io
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url
from huggingface_hub.errors import RemoteEntryNotFoundError
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import (
    WeakFileLock,
    build_hf_headers,
    get_session,
    hf_raise_for_status,
)

from gemtab.contracts.errors import HubError
from gemtab_build.progress import Report

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

TIMEOUT = constants.HF_HUB_DOWNLOAD_TIMEOUT
READ_BYTES = 4 << 20


@dataclass(frozen=True)
class HubFile:
    """A file of a repository: its size in bytes, and the place in the cache that its ETag names."""

    name: str
    url: str
    size: int
    blob: Path

    @classmethod
    def found(cls, repo: str, name: str, snapshot: Path) -> "HubFile":
        """Ask the Hub about a file; `snapshot` is the folder of its commit in the cache."""
        url = hf_hub_url(repo, name, revision=snapshot.name)
        try:
            facts = get_hf_file_metadata(url, retry_on_errors=True)
        except RemoteEntryNotFoundError as error:
            raise HubError(lacking(repo, name)) from error
        if facts.etag is None or facts.size is None:
            raise HubError(
                f"{constants.ENDPOINT} tells no ETag or size of {name}. Look at HF_ENDPOINT."
            )
        return cls(name, url, facts.size, snapshot.parents[1] / "blobs" / facts.etag)

    @property
    def partial(self) -> Path:
        """What has been downloaded so far."""
        return self.blob.with_name(f"{self.blob.name}.incomplete")

    @property
    def missing_bytes(self) -> int:
        """Bytes that are still to be downloaded."""
        if self.blob.exists():
            return 0
        have = self.partial.stat().st_size if self.partial.exists() else 0
        return max(self.size - have, 0)

    def read(self, first: int, count: int) -> bytes:
        """Bytes [first, first + count) of the file on the Hub, or fewer where it ends before."""
        headers = build_hf_headers() | {"Range": f"bytes={first}-{first + count - 1}"}
        answer = get_session().get(self.url, headers=headers, timeout=TIMEOUT)
        hf_raise_for_status(answer)
        return answer.content[:count]

    def fetch(self, report: Report, done: int, total: int) -> None:
        """Download what is missing, check it, and put it in its place; `done` of `total` so far."""
        self.blob.parent.mkdir(parents=True, exist_ok=True)
        repo = self.blob.parents[1]
        lock = repo.parent / ".locks" / repo.name / f"{self.blob.name}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        with WeakFileLock(lock):
            if self.blob.exists():
                return
            if self.partial.exists() and self.partial.stat().st_size > self.size:
                self.partial.unlink()
            self._download(lambda at: report(self.name, done + at, total))
            self._check(lambda at: report(f"checking {self.name}", done + at, total))
            self.partial.replace(self.blob)

    def _download(self, say: Callable[[int], None]) -> None:
        with _Counted(self.partial.open("ab", buffering=0), say) as stream:
            have = stream.tell()
            headers = build_hf_headers()
            http_get(self.url, stream, resume_size=have, headers=headers, expected_size=self.size)

    def _check(self, say: Callable[[int], None]) -> None:
        """HubError, and the file is gone, unless it matches the SHA-256 that the ETag is."""
        if not re.fullmatch("[0-9a-f]{64}", self.blob.name):
            return  # a small file's ETag is git's hash, of more than the file
        digest = hashlib.sha256()
        with self.partial.open("rb") as stream:
            while data := stream.read(READ_BYTES):
                digest.update(data)
                say(stream.tell())
        if digest.hexdigest() != self.blob.name:
            self.partial.unlink()
            raise HubError(f"{self.name} arrived damaged (its SHA-256 differs). Run it again.")


class _Counted(io.BufferedWriter):
    """A file that tells how long it is after each write."""

    def __init__(self, raw: io.RawIOBase, say: Callable[[int], None]) -> None:
        super().__init__(raw)
        self._say = say

    def write(self, data: "ReadableBuffer") -> int:
        """Write, and tell."""
        written = super().write(data)
        self._say(self.tell())
        return written


def lacking(repo: str, name: str) -> str:
    """What to say of a model that has no such file."""
    return (
        f"{repo} has no {name}. Give a checkpoint in Hugging Face's format, with its weights in "
        f"safetensors."
    )


def check_room(files: Iterable[HubFile]) -> None:
    """HubError unless the disk of the cache has room for what is missing of them."""
    files = list(files)
    wanted = sum(file.missing_bytes for file in files)
    if not wanted:
        return
    place = next(p for p in files[0].blob.parents if p.exists())
    free = shutil.disk_usage(place).free
    if wanted > free:
        raise HubError(
            f"The weights take {wanted / 1e9:.1f} GB more, the disk of {place} has "
            f"{free / 1e9:.1f} GB free. Free some of it, or set HF_HOME to a place on another."
        )

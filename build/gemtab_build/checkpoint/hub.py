"""A model of the Hub, through huggingface_hub and in its cache: only the files that Gemtab reads.

Its settings hold: HF_HOME, HF_TOKEN or a login, HF_ENDPOINT, HF_HUB_OFFLINE. The small files come
first, so that a model that Gemtab does not run is refused before its weights are downloaded.
"""

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
from huggingface_hub import constants, hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import disable_progress_bars
from huggingface_hub.utils import logging as hub_logging

from gemtab.contracts.errors import HubError
from gemtab_build.checkpoint.hub_file import HubFile, check_room, lacking
from gemtab_build.checkpoint.runnable import check_config
from gemtab_build.checkpoint.stored import (
    INDEX,
    Checkpoint,
    StoredTensor,
    open_checkpoint,
    open_config,
    parse_header,
    weight_files,
)
from gemtab_build.progress import Report

SMALL = (
    "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json",
    "chat_template.jinja", "chat_template.json", INDEX,
)  # fmt: skip
HEAD_BYTES = 1 << 17  # most headers are shorter; a longer one takes a second request


def fetch(repo: str, revision: str | None, report: Report) -> Path:
    """The folder of a model's checkpoint in the cache, once all of it is there; HubError if not."""
    with _errors_told(repo, revision):
        folder = _small_files(repo, revision, "config.json", "tokenizer.json")
        check_config(open_config(folder)[1])
        missing = [path.name for path in weight_files(folder) if not path.exists()]
        files = [HubFile.found(repo, name, folder) for name in missing]
        check_room(files)
        total = sum(file.size for file in files)
        done = 0
        for file in files:
            file.fetch(report, done, total)
            hf_hub_download(repo, file.name, revision=folder.name)  # links what is in the cache now
            done += file.size
        return folder


def peek(repo: str, revision: str | None) -> Checkpoint:
    """A model's checkpoint without a download of its weights: rows are asked of the Hub."""
    with _errors_told(repo, revision):
        folder = _small_files(repo, revision, "config.json")
        raw, config = open_config(folder)
        paths = weight_files(folder)
        if all(path.exists() for path in paths):
            return open_checkpoint(folder)
        tensors: dict[str, StoredTensor] = {}
        files = {path: HubFile.found(repo, path.name, folder) for path in paths}
        for path, file in files.items():
            head = file.read(0, HEAD_BYTES)
            length = 8 + int.from_bytes(head[:8], "little")
            if len(head) < min(length, file.size):
                head += file.read(len(head), length - len(head))
            tensors |= parse_header(path, head, file.size)
        return RemoteCheckpoint(folder, raw, config, tensors, repo, files)


@dataclass(frozen=True)
class RemoteCheckpoint(Checkpoint):
    """A checkpoint whose weights are still on the Hub."""

    repo: str
    files: Mapping[Path, HubFile]

    def read(self, path: Path, start: int, size: int) -> bytes:
        """Bytes of a weights file, by a request."""
        with _errors_told(self.repo, None):
            return self.files[path].read(start, size)


def _small_files(repo: str, revision: str | None, *needed: str) -> Path:
    """The snapshot's folder, named by its commit, with all but the weights in it."""
    folder = Path(snapshot_download(repo, revision=revision, allow_patterns=list(SMALL)))
    for name in needed:
        if not (folder / name).exists():
            raise HubError(lacking(repo, name))
    return folder


@contextmanager
def _errors_told(repo: str, revision: str | None) -> Iterator[None]:
    """The hub's own bars and warnings off; its errors as a line that says what to do."""
    before = hub_logging.get_verbosity()
    hub_logging.set_verbosity(hub_logging.ERROR)
    try:
        with disable_progress_bars():
            yield
    except (httpx2.HTTPError, LocalEntryNotFoundError, HFValidationError, ConnectionError) as error:
        raise HubError(_told(error, repo, revision)) from error
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise HubError(
            f"The disk of {constants.HF_HUB_CACHE} is full. Free some of it, or set HF_HOME to a "
            f"place on another; what is downloaded stays."
        ) from error
    finally:
        hub_logging.set_verbosity(before)


def _told(error: Exception, repo: str, revision: str | None) -> str:
    login = "log in with `hf auth login`, or set HF_TOKEN"
    texts: tuple[tuple[type[Exception], str], ...] = (
        (
            GatedRepoError,
            f"{repo} is gated: accept its terms at {constants.ENDPOINT}/{repo}, then {login}.",
        ),
        (
            RepositoryNotFoundError,
            f"{repo} is no folder here, and no model at {constants.ENDPOINT} that you may see. "
            f"Look at its name; if it is private, {login}.",
        ),
        (
            RevisionNotFoundError,
            f"{repo} has no revision {revision}. Give one of its branches, tags or commits.",
        ),
        (LocalEntryNotFoundError, _unreachable(error, repo)),
        (OfflineModeIsEnabled, _offline(repo)),
    )
    for kind, text in texts:
        if isinstance(error, kind):
            return text
    if isinstance(error, HfHubHTTPError) and error.response.status_code == 401:
        return f"{constants.ENDPOINT} refuses your token for {repo}: {login}."
    return f"{repo}: {_first_line(error)}. Run it again; what is downloaded stays."


def _unreachable(error: Exception, repo: str) -> str:
    cause = error.__cause__ or error
    if isinstance(cause, OfflineModeIsEnabled):
        return _offline(repo)
    return (
        f"{repo} is no folder here, and {constants.ENDPOINT} cannot be reached ({_first_line(cause)}). "
        f"Look at the connection, or at HF_ENDPOINT."
    )


def _offline(repo: str) -> str:
    return (
        f"{repo} is not whole in the cache at {constants.HF_HUB_CACHE}, and HF_HUB_OFFLINE is set. "
        f"Unset it to download."
    )


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).rstrip(".")

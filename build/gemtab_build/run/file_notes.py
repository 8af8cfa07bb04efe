"""Notes on this machine's devices, in the user's cache folder."""

import os
from pathlib import Path


def notes_folder() -> Path:
    """In GEMTAB_CACHE where that is set, else where the system keeps caches (XDG)."""
    own = os.environ.get("GEMTAB_CACHE")
    if own:
        return Path(own) / "devices"
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "gemtab" / "devices"


class FileNotes:
    """A file for each note. Where a folder cannot be written, nothing is kept."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or notes_folder()

    async def recall(self, name: str) -> str:
        """The text of that name; empty where there is none."""
        try:
            return (self.folder / name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return ""

    async def remember(self, name: str, text: str) -> None:
        """Keep a text under a name, whole or not at all."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            partial = self.folder / f"{name}.{os.getpid()}.partial"
            partial.write_text(text, encoding="utf-8")
            partial.replace(self.folder / name)
        except OSError:
            return  # the next run finds out again

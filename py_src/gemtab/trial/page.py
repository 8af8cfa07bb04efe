"""Notes in the page: web/engine/store/notes.js keeps them, in the origin's files."""

from typing import Any

from gemtab.gpu.page import settled


class PageNotes:
    """Notes behind the worker's `host` object."""

    def __init__(self, host: Any) -> None:
        self._host = host

    async def recall(self, name: str) -> str:
        """The text of that name; empty where there is none."""
        return str(await settled(self._host.recallNote(name)))

    async def remember(self, name: str, text: str) -> None:
        """Keep a text under a name."""
        await settled(self._host.keepNote(name, text))

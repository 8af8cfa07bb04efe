"""What was found out about a device and is kept from visit to visit.

A note belongs to a name, of device and model, and is good only under its stamp, of driver and engine.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, Protocol

from gemtab.contracts.plain import from_plain
from gemtab.kernels.tuning import Tuned

NAME_LENGTH = 32


class Notes(Protocol):
    """Where notes are kept: files of the user's, or of the page's origin."""

    async def recall(self, name: str) -> str:
        """The text of that name; empty where there is none."""
        ...

    async def remember(self, name: str, text: str) -> None:
        """Keep a text under a name. Keeping nothing is allowed."""
        ...


class Memory:
    """Notes of one process."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    async def recall(self, name: str) -> str:
        """The text of that name; empty where there is none."""
        return self.texts.get(name, "")

    async def remember(self, name: str, text: str) -> None:
        """Keep a text under a name."""
        self.texts[name] = text


@dataclass(frozen=True)
class Note:
    """Features that the device has proven, None before it was tried; why it lost the others.

    `tries` counts the trials that were begun and not finished: a driver may take the device with it.
    `tuned` is None until it was measured. `doubted`: a kernel that has no other form failed.
    """

    stamp: str
    features: tuple[str, ...] | None = None
    lost: tuple[str, ...] = ()
    tries: int = 0
    tuned: Tuned | None = None
    about: str = ""  # device, model and cache, for people
    doubted: bool = False

    def to_json(self) -> str:
        """As it is kept."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str, stamp: str) -> "Note":
        """A note as it was kept; a blank one where that is unreadable or of another stamp."""
        note = cls.read(text)
        return note if note and note.stamp == stamp else cls(stamp)

    @classmethod
    def read(cls, text: str) -> "Note | None":
        """A note of whatever stamp; None where it is unreadable."""
        try:
            note: Note = from_plain(cls, json.loads(text), "note")
        except ValueError:
            return None
        return note


def digest(parts: Mapping[str, Any]) -> str:
    """A short name of some plain data."""
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:NAME_LENGTH]

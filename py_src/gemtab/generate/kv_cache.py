"""What the KV cache holds, and how far back it can go without computing again.

Full layers keep every position. Rings of sliding layers forget; copies of them, taken where a reply
begins, let the cache go back further than the rings remember.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from gemtab.contracts.errors import ContextFullError

SLOTS = 8  # copies of the rings kept at a time; Gemma 4 E2B's take 8 MiB each in f16


@dataclass(frozen=True)
class Snapshot:
    """The rings as they were with `position` ids cached and positions below `highest` written."""

    slot: int
    position: int
    highest: int


@dataclass
class KvCache:
    """The ids whose K and V are cached, oldest first. `ring` is 0 where sliding layers are whole."""

    capacity: int
    window: int
    ring: int
    ids: list[int] = field(default_factory=list)
    highest: int = 0  # one past the last position ever written since the cache was empty
    snapshots: list[Snapshot] = field(default_factory=list)  # by position, lowest first

    def begin(self, prompt: Sequence[int]) -> tuple[int, Snapshot | None]:
        """Keep what `prompt` shares with the cache: the position from which it must be computed.

        At least the last id is computed again: its logits are wanted. Where a snapshot comes with the
        position, the rings must be restored from it first.
        """
        if not prompt:
            raise ContextFullError("The prompt is empty. Give at least one token.")
        if len(prompt) >= self.capacity:
            raise ContextFullError(
                f"The prompt has {len(prompt)} tokens and the context holds {self.capacity}, reply "
                f"included. Shorten it, or start a new chat."
            )
        pairs = zip(self.ids, prompt, strict=False)
        shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        start, restored = min(shared, len(prompt) - 1), None
        self.snapshots = [one for one in self.snapshots if one.position <= shared]
        if not self._remembers(start):
            restored = next(
                (one for one in reversed(self.snapshots) if one.position <= start), None
            )
            start = restored.position if restored else 0
        if restored:
            self.highest = restored.highest
        elif start == 0:
            self.highest = 0
        self.ids = list(prompt[:start])
        return start, restored

    def forget(self) -> None:
        """Hold nothing: the next prompt is computed whole."""
        self.ids, self.highest, self.snapshots = [], 0, []

    def _remembers(self, position: int) -> bool:
        """Whether the rings still hold every key that a query at `position` may see."""
        oldest = max(0, self.highest - self.ring) if self.ring else 0
        return max(0, position - self.window + 1) >= oldest

    def snapshot(self) -> Snapshot | None:
        """Where to copy the rings now, over the oldest copy if need be; None where none is of use."""
        position = len(self.ids)
        if not self.ring or not position or any(s.position == position for s in self.snapshots):
            return None
        taken = {one.slot for one in self.snapshots}
        free = set(range(SLOTS)) - taken
        slot = min(free) if free else self.snapshots.pop(0).slot
        self.snapshots.append(Snapshot(slot, position, self.highest))
        return self.snapshots[-1]

    def extend(self, ids: Sequence[int]) -> None:
        """These ids' K and V have been written after what the cache holds."""
        self.ids.extend(ids)
        self.highest = max(self.highest, len(self.ids))

    def overshoot(self, position: int) -> None:
        """Positions up to `position` have been written; what is past the ids is not valid."""
        self.highest = max(self.highest, position)

"""What the KV cache holds, and how far back it can go without computing again."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from gemtab.contracts.errors import ContextFullError


@dataclass
class KvCache:
    """The ids whose K and V are cached, oldest first. `ring` is 0 where sliding layers are whole."""

    capacity: int
    window: int
    ring: int
    ids: list[int] = field(default_factory=list)
    highest: int = 0  # one past the last position ever written since the cache was empty

    def begin(self, prompt: Sequence[int]) -> int:
        """Keep what `prompt` shares with the cache; the position from which it must be computed.

        At least the last id is computed again: its logits are wanted.
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
        start = min(shared, len(prompt) - 1)
        if not self._remembers(start):
            start = 0
        if start == 0:
            self.highest = 0
        self.ids = list(prompt[:start])
        return start

    def _remembers(self, position: int) -> bool:
        """Whether the rings still hold every key that a query at `position` may see."""
        oldest = max(0, self.highest - self.ring) if self.ring else 0
        return max(0, position - self.window + 1) >= oldest

    def extend(self, ids: Sequence[int]) -> None:
        """These ids' K and V have been written after what the cache holds."""
        self.ids.extend(ids)
        self.highest = max(self.highest, len(self.ids))

    def overshoot(self, position: int) -> None:
        """Positions up to `position` have been written; what is past the ids is not valid."""
        self.highest = max(self.highest, position)

"""The `state` buffer: what changes from token to token. Python writes it, the GPU advances it.

Word  name         meaning
0     position     tokens already in the cache, before this pass
1     tokens       tokens in this pass (1 for a decode)
2     written      ids written to `reply` since Python last set it to 0
3     seed         of the sampler: the key of a generator that counts positions
4     top_k        candidates kept, 1 for greedy
5     temperature  f32 bits
6     top_p        f32 bits
7     capacity     positions the cache holds
"""

import struct
from dataclasses import dataclass

STATE_BYTES = 32
MAX_CANDIDATES = 256  # the largest top_k that stays on the GPU


@dataclass(frozen=True)
class State:
    """The eight words of the `state` buffer."""

    position: int
    tokens: int
    written: int = 0
    seed: int = 0
    top_k: int = 1
    temperature: float = 1.0
    top_p: float = 1.0
    capacity: int = 0

    def to_bytes(self) -> bytes:
        """32 little-endian bytes."""
        return struct.pack(
            "<5I2fI", self.position, self.tokens, self.written, self.seed, self.top_k,
            self.temperature, self.top_p, self.capacity,
        )  # fmt: skip

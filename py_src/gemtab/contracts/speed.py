"""How fast a device has been seen to run matrices."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Speed:
    """Multiply-adds a second of a chunk's matrices, and bytes of weights a second of a token's.

    0 where nothing was measured.
    """

    macs: float = 0.0
    bytes: float = 0.0

    def __str__(self) -> str:
        """For people."""
        return f"{self.macs / 1e9:.2f} G multiply-adds/s, {self.bytes / 1e9:.2f} GB/s of weights"


UNKNOWN = Speed()

"""How the next id is chosen: greedy, or temperature, top-k and top-p in that order, with a seed."""

from dataclasses import dataclass

from gemtab.contracts.errors import UsageError
from gemtab.contracts.state import MAX_CANDIDATES


@dataclass(frozen=True)
class Sampling:
    """top_k 1 is greedy. Seeds are u32; the same seed and prompt give the same reply."""

    temperature: float = 1.0
    top_k: int = 64
    top_p: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.temperature <= 100:
            raise UsageError(
                f"temperature is above 0 and at most 100, got {self.temperature}. For 0, be greedy."
            )
        if not 1 <= self.top_k <= MAX_CANDIDATES:
            raise UsageError(
                f"top_k is from 1 to {MAX_CANDIDATES}, got {self.top_k}: that many candidates stay on the GPU."
            )
        if not 0 < self.top_p <= 1:
            raise UsageError(f"top_p is above 0 and at most 1, got {self.top_p}.")
        if not 0 <= self.seed < 1 << 32:
            raise UsageError(f"seed is from 0 to {(1 << 32) - 1}, got {self.seed}.")


GREEDY = Sampling(top_k=1, top_p=1.0)

"""How the next id is chosen: greedy, or temperature, top-k and top-p in that order, with a seed."""

import os
from dataclasses import dataclass, replace

from gemtab.contracts.errors import UsageError
from gemtab.contracts.manifest import Generation
from gemtab.contracts.state import MAX_CANDIDATES

SMALLEST = 2.0**-126  # of f32's normal numbers: a GPU may take what is smaller for 0


@dataclass(frozen=True)
class Sampling:
    """top_k 1 is greedy. Seeds are u32; the same seed and prompt give the same reply."""

    temperature: float = 1.0
    top_k: int = 64
    top_p: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("temperature", "top_p"):
            if type(getattr(self, name)) not in (int, float):
                raise UsageError(f"{name} is a number, got {getattr(self, name)!r}.")
        for name in ("top_k", "seed"):
            if type(getattr(self, name)) is not int:
                raise UsageError(f"{name} is a whole number, got {getattr(self, name)!r}.")
        self._check_ranges()

    def _check_ranges(self) -> None:
        if not SMALLEST <= self.temperature <= 100:
            raise UsageError(
                f"temperature is from 0, which is greedy, to 100, got {self.temperature}."
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


def fresh_seed() -> int:
    """A seed from the system's randomness; in the page that is the browser's."""
    return int.from_bytes(os.urandom(4), "little")


def choose_sampling(
    defaults: Generation,
    temperature: float | None = None,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int | None = None,
) -> Sampling:
    """What was asked for over the model's own defaults; without a seed a fresh one.

    A temperature of 0, and one so small that it is 0 in f32, is greedy, which draws nothing.
    """
    chosen = defaults.temperature if temperature is None else temperature
    greedy = type(chosen) in (int, float) and 0 <= chosen < SMALLEST
    wanted = Sampling(
        1.0 if greedy else chosen,
        defaults.top_k if top_k is None else top_k,
        defaults.top_p if top_p is None else top_p,
        (0 if greedy else fresh_seed()) if seed is None else seed,
    )
    return replace(GREEDY, seed=wanted.seed) if greedy else wanted

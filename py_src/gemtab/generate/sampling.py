"""How the next id is chosen: greedy, or temperature, top-k and top-p in that order, with a seed."""

from dataclasses import dataclass

from gemtab.contracts.errors import UsageError
from gemtab.contracts.manifest import Generation
from gemtab.contracts.state import MAX_CANDIDATES


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
        if not 0 < self.temperature <= 100:
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


def choose_sampling(
    defaults: Generation,
    temperature: float | None = None,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int | None = None,
) -> Sampling:
    """What was asked for over the model's own defaults; a temperature of 0 is greedy."""
    chosen = defaults.temperature if temperature is None else temperature
    wanted = Sampling(
        chosen or 1.0,
        defaults.top_k if top_k is None else top_k,
        defaults.top_p if top_p is None else top_p,
        0 if seed is None else seed,
    )
    return wanted if chosen else GREEDY

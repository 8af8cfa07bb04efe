"""Speed of an artifact on an executor: prompts, replies, first tokens; medians of repeats."""

from collections.abc import Callable
from statistics import median
from typing import Any

from gemtab_build.run.runner import Continued, Runner

PROMPTS = (32, 128, 512, 2048)
CONTEXTS = (0, 512, 4096)
DECODED = 33
MARGIN = DECODED + 1
Tell = Callable[[str], None]


def measure(runner: Runner, vocab: int, context: int, repeats: int, tell: Tell) -> dict[str, Any]:
    """Tokens a second and seconds, for every length that the context holds."""
    ids = _Prompts(vocab)
    runner.continue_ids(ids.fresh(8), 3)  # compiles what is not compiled yet
    prefill, decode, first = {}, {}, {}
    for tokens in (n for n in PROMPTS if n + MARGIN <= context):
        tell(f"prompt of {tokens} tokens")
        runner.continue_ids(ids.fresh(tokens), 1)  # shapes of this length
        runs = [runner.continue_ids(ids.fresh(tokens), 1) for _ in range(repeats)]
        prefill[tokens] = round(tokens / _median(runs, "first"), 1)
        first[tokens] = round(_median(runs, "first"), 4)
    for held in (n for n in CONTEXTS if n + MARGIN <= context):
        tell(f"reply at {held} tokens of context")
        decode[held] = round(median(_decode_speed(runner, ids, held) for _ in range(repeats)), 2)
    tell("host time")
    hosts = [host_microseconds(runner, ids.fresh(1), DECODED) for _ in range(repeats)]
    host = {part: round(median(one[part] for one in hosts), 1) for part in hosts[0]}
    tell("second turn")
    kept = _second_turn(runner, ids, min(512, context // 2))
    return {
        "prefill_tokens_per_second": prefill,
        "decode_tokens_per_second": decode,
        "first_token_seconds": {"cold": first, "kept_prefix": kept},
        "host_microseconds_per_token": host,
    }


class _Prompts:
    """Prompts that share no prefix, so that nothing is kept from one to the next."""

    def __init__(self, vocab: int) -> None:
        self._vocab = vocab
        self._count = 0

    def fresh(self, tokens: int) -> list[int]:
        """That many ids, plain ones."""
        self._count += 1
        low = min(300, self._vocab // 2)
        span = self._vocab - low
        return [low + (self._count * 7919 + i * 104_729) % span for i in range(tokens)]


def _median(runs: list[Continued], key: str) -> float:
    return median(run.timing[key] for run in runs)


def _decode_speed(runner: Runner, ids: _Prompts, held: int) -> float:
    """Tokens a second past the first, after a prompt that leaves `held` tokens in the cache."""
    run = runner.continue_ids(ids.fresh(held + 1), DECODED)
    alone = runner.continue_ids(ids.fresh(held + 1), 1)
    return (DECODED - 1) / (run.timing["total"] - alone.timing["total"])


def host_microseconds(runner: Runner, prompt: list[int], tokens: int) -> dict[str, float]:
    """Where a reply's time goes, a token: Python, encoding for the GPU, waiting for it."""
    timing = runner.continue_ids(prompt, tokens).timing
    encoding, waiting = timing["encoding"], timing["waiting"]
    python = timing["total"] - timing["prefill"] - encoding - waiting
    parts = {"python": python, "encoding": encoding, "waiting": waiting}
    return {part: seconds / tokens * 1e6 for part, seconds in parts.items()}


def _second_turn(runner: Runner, ids: _Prompts, held: int) -> float:
    """Seconds to the first token of a prompt of which all but 16 tokens are kept."""
    prompt = ids.fresh(held)
    runner.continue_ids(prompt, 1)
    longer = [*prompt, *ids.fresh(16)]
    return round(runner.continue_ids(longer, 1).timing["first"], 4)

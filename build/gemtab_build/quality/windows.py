"""A text as windows of ids: what weights are measured and judged on."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gemtab.contracts.errors import UsageError
from gemtab.text.tokenizer import Tokenizer
from gemtab_build.inputs import read_text

Window = NDArray[np.int64]
WINDOW_TOKENS = 512
MOST_TOKENS = 4096  # of a text: a column's mean square needs no more
MOST_CHARACTERS = 1 << 20
HELD_OUT = 8  # one window in so many is kept for judging


def read_windows(path: Path, tokenizer: Tokenizer, bos_id: int, vocab: int) -> list[Window]:
    """Windows of a UTF-8 file, spread evenly over it; UsageError where there is nothing to predict.

    Each begins with <bos>, and so does every conversation: the file is cut where it has one.
    """
    ids = tokenizer.encode(read_text(path)[:MOST_CHARACTERS])
    windows = [window for part in _split(ids, bos_id) for window in _cut(part, bos_id)]
    if not windows:
        raise UsageError(f"{path} holds no text to predict. Give a longer one.")
    if max(ids) >= vocab:
        raise UsageError(
            f"{path} has the token id {max(ids)}, the model's end at {vocab - 1}. "
            f"Take tokenizer.json and config.json from the same model."
        )
    total = sum(map(len, windows))
    every = max(-(-total // MOST_TOKENS), 1)
    return windows[::every]


def hold_out(windows: list[Window]) -> tuple[list[Window], list[Window]]:
    """Windows to measure on, and others to judge by; none of the latter where there is but one."""
    held = range(len(windows) - 1, 0, -HELD_OUT)
    return [w for i, w in enumerate(windows) if i not in held], [windows[i] for i in sorted(held)]


def _split(ids: list[int], bos_id: int) -> list[list[int]]:
    parts: list[list[int]] = [[]]
    for token_id in ids:
        if token_id == bos_id:
            parts.append([])
        else:
            parts[-1].append(token_id)
    return parts


def _cut(ids: list[int], bos_id: int) -> list[Window]:
    step = WINDOW_TOKENS - 1
    pieces = (ids[first : first + step] for first in range(0, len(ids), step))
    return [np.array([bos_id, *piece]) for piece in pieces]

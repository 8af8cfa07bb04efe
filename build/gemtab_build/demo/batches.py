"""Endless batches of rows of similar length, padded at the end."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from random import Random
from typing import NamedTuple

import torch
from tokenizers import Tokenizer
from torch import Tensor

from gemtab_build.demo.markup import Row, encode
from gemtab_build.demo.skills import training_examples

POOL = 6_000
ROUND = 16


class Batch(NamedTuple):
    """ids [rows, tokens]; picked: flat positions [n] whose next token, targets [n], is learned."""

    ids: Tensor
    picked: Tensor
    targets: Tensor


def collate(rows: list[Row]) -> Batch:
    """Rows -> a batch; only replies are learned."""
    tokens = -(-max(len(row.ids) for row in rows) // ROUND) * ROUND
    ids = torch.zeros(len(rows), tokens, dtype=torch.long)
    picked, targets = [], []
    for number, row in enumerate(rows):
        ids[number, : len(row.ids)] = torch.tensor(row.ids)
        picked += [number * tokens + at - 1 for at in row.learned]
        targets += [row.ids[at] for at in row.learned]
    return Batch(ids, torch.tensor(picked), torch.tensor(targets))


def batches(tokenizer: Tokenizer, seed: int, tokens: int) -> Iterator[Batch]:
    """Batches of about `tokens` tokens each, padding included."""
    examples = training_examples(seed)
    rng = Random(seed)
    while True:
        rows = sorted(
            (encode(tokenizer, e) for e in islice(examples, POOL)), key=lambda r: len(r.ids)
        )
        groups: list[list[Row]] = [[]]
        for row in rows:
            if groups[-1] and (len(groups[-1]) + 1) * len(row.ids) > tokens:
                groups.append([])
            groups[-1].append(row)
        rng.shuffle(groups)
        for group in groups:
            yield collate(group)

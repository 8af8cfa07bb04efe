"""Merging symbols: the short way, the long way and the rule as it is written down agree."""

import random
from itertools import pairwise, product

import pytest

from gemtab.text import bpe
from gemtab.text.bpe import NEVER, Bpe

TOKENS = ["".join(letters) for n in range(1, 5) for letters in product("ab", repeat=n)]


def by_the_rule(symbols, ranks):
    """The pair of lowest rank, of those with the longest left part, of those the leftmost."""
    symbols = list(symbols)
    while True:
        pairs = [
            (ranks[a + b], -len(a), at)
            for at, (a, b) in enumerate(pairwise(symbols))
            if a + b in ranks
        ]
        if not pairs:
            return symbols
        _, _, at = min(pairs)
        symbols[at : at + 2] = [symbols[at] + symbols[at + 1]]


@pytest.mark.parametrize("short", [0, NEVER], ids=["with a heap", "by rescanning"])
def test_merges_by_the_rule(monkeypatch, short):
    monkeypatch.setattr(bpe, "SHORT", short)
    rng = random.Random(10)
    for _ in range(2000):
        ranks = {token: rank for rank, token in enumerate(rng.sample(TOKENS, rng.randrange(20)))}
        symbols = [rng.choice(TOKENS[:14]) for _ in range(rng.randrange(12))]

        assert Bpe(ranks, "").merge(list(symbols)) == by_the_rule(symbols, ranks)


@pytest.mark.parametrize("short", [0, NEVER], ids=["with a heap", "by rescanning"])
def test_of_two_equal_pairs_the_longer_left_part_wins(monkeypatch, short):
    monkeypatch.setattr(bpe, "SHORT", short)

    assert Bpe({"aaa": 1}, "").merge(["a", "aa", "a"]) == ["a", "aaa"]
    assert Bpe({"aaa": 1}, "").merge(["a", "aa", "b", "a", "aa"]) == ["aaa", "b", "aaa"]

"""The cache's bookkeeping: what is kept, and when the rings have forgotten too much."""

import pytest

from gemtab.contracts.errors import ContextFullError
from gemtab.generate.kv_cache import KvCache


def filled(count, capacity=100, window=8, ring=0):
    cache = KvCache(capacity, window, ring)
    assert cache.begin(list(range(count))) == 0
    cache.extend(range(count))
    return cache


def test_a_follow_up_keeps_all_that_is_shared():
    assert filled(20).begin([*range(20), 77, 78]) == 20


def test_the_same_prompt_computes_its_last_token_again():
    assert filled(20).begin(list(range(20))) == 19


def test_an_edit_keeps_what_stands_before_it():
    assert filled(20).begin([*range(5), 99, 98]) == 5


@pytest.mark.parametrize(("position", "start"), [(19, 19), (12, 12), (11, 11), (10, 0), (3, 0)])
def test_a_ring_goes_back_only_as_far_as_it_remembers(position, start):
    cache = filled(20, window=8, ring=16)  # positions 4 … 19 are still there

    assert cache.begin([*range(position), 99]) == start


def test_what_ran_ahead_counts_as_written():
    cache = filled(12, window=8, ring=16)
    cache.overshoot(28)  # the rings now hold 12 … 27

    assert cache.begin([*range(12), 99]) == 0


def test_a_prompt_that_fills_the_context_is_refused_with_both_lengths():
    with pytest.raises(ContextFullError, match="10 tokens and the context holds 10"):
        KvCache(10, 8, 0).begin(list(range(10)))

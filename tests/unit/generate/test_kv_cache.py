"""The cache's bookkeeping: what is kept, and when the rings have forgotten too much."""

import pytest

from gemtab.contracts.errors import ContextFullError
from gemtab.generate.kv_cache import SLOTS, KvCache


def filled(count, capacity=100, window=8, ring=0):
    cache = KvCache(capacity, window, ring)
    assert cache.begin(list(range(count))) == (0, None)
    cache.extend(range(count))
    return cache


def test_a_follow_up_keeps_all_that_is_shared():
    assert filled(20).begin([*range(20), 77, 78]) == (20, None)


def test_the_same_prompt_computes_its_last_token_again():
    assert filled(20).begin(list(range(20))) == (19, None)


def test_an_edit_keeps_what_stands_before_it():
    assert filled(20).begin([*range(5), 99, 98]) == (5, None)


@pytest.mark.parametrize(("position", "start"), [(19, 19), (12, 12), (11, 11), (10, 0), (3, 0)])
def test_a_ring_goes_back_only_as_far_as_it_remembers(position, start):
    cache = filled(20, window=8, ring=16)  # positions 4 … 19 are still there

    assert cache.begin([*range(position), 99]) == (start, None)


def test_what_ran_ahead_counts_as_written():
    cache = filled(12, window=8, ring=16)
    cache.overshoot(28)  # the rings now hold 12 … 27

    assert cache.begin([*range(12), 99]) == (0, None)


def test_a_prompt_that_fills_the_context_is_refused_with_both_lengths():
    with pytest.raises(ContextFullError, match="10 tokens and the context holds 10"):
        KvCache(10, 8, 0).begin(list(range(10)))


def test_a_snapshot_goes_back_further_than_the_ring():
    cache = filled(12, window=8, ring=16)
    taken = cache.snapshot()
    cache.extend(range(12, 40))  # the ring holds 24 … 39

    assert cache.begin([*range(15), 99]) == (12, taken)
    assert cache.ids == list(range(12))


def test_a_snapshot_behind_another_history_is_dropped():
    cache = filled(12, window=8, ring=16)
    cache.snapshot()
    cache.extend(range(12, 40))

    assert cache.begin([*range(11), 99, 98]) == (0, None)
    assert not cache.snapshots


def test_what_was_overwritten_before_a_snapshot_stays_forgotten_after_it():
    cache = filled(12, window=8, ring=16)
    cache.overshoot(28)
    taken = cache.snapshot()
    cache.extend(range(12, 60))
    assert cache.begin([*range(30), 99]) == (12, taken)

    assert cache.begin([*range(11), 99]) == (0, None)  # the ring held 12 … 27 when it was copied


def test_the_oldest_snapshot_gives_way_and_a_position_is_copied_once():
    cache = filled(1, window=8, ring=16)
    taken = [cache.snapshot()]
    for position in range(1, SLOTS + 1):
        cache.extend([position])
        taken.append(cache.snapshot())

    assert cache.snapshot() is None
    assert taken[-1].slot == taken[0].slot
    assert cache.snapshots == taken[1:]

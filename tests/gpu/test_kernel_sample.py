"""pick_slab and sample alone: the candidates exactly, and every draw by the seed's own number."""

import numpy as np
import pytest

from gemtab.contracts.state import MAX_CANDIDATES
from gemtab.kernels.sample import NO_ID, REPLY, PickSlab, Sample, slabs
from helpers.devices import on_devices
from helpers.dispatch import UNWRITTEN, dispatch, state_words, untouched
from helpers.sampling import (
    NONE,
    best_of,
    kept_weights,
    misfit,
    philox,
    possible,
    slab_candidates,
    uniform_draw,
)

VOCABULARIES = [1, 5, 1023, 1024, 1025, 5003]


def blank(*shape):
    return np.full(shape, UNWRITTEN)


def random_logits(rng, vocab):
    """Logits of which many tie."""
    return np.round(rng.standard_normal(vocab).astype(np.float32) * 3, 1)


def sample(device, logits, times=1, **state):
    """The buffers that both kernels leave, over these logits, after so many turns."""
    vocab = len(logits)
    arrays = {
        "logits": logits,
        "candidates": blank(slabs(vocab), MAX_CANDIDATES, 2),
        "top": blank(MAX_CANDIDATES, 2),
        "ids": blank(3),
        "reply": blank(REPLY),
        "state": state_words(**state),
    }
    steps = (PickSlab(vocab).step("", ()), Sample(vocab).step("", ()))
    return dispatch(device, *steps, times=times, **arrays)


@on_devices()
@pytest.mark.parametrize("vocab", VOCABULARIES)
@pytest.mark.parametrize("top_k", [1, 7, 256, 300])
def test_each_slab_yields_its_best_in_order(device, rng, vocab, top_k):
    logits = random_logits(rng, vocab)
    step = PickSlab(vocab).step("", ())
    candidates = blank(slabs(vocab), MAX_CANDIDATES, 2)

    found = dispatch(
        device, step, logits=logits, candidates=candidates, state=state_words(top_k=top_k)
    )["candidates"]

    ids, values = slab_candidates(logits, top_k)
    count = ids.shape[1]
    assert np.array_equal(found[:, :count, 1].view(np.float32), values)
    there = values > NONE
    assert np.array_equal(found[:, :count, 0][there], ids[there])
    assert untouched(found[:, count:]).all()


@on_devices()
@pytest.mark.parametrize("vocab", [*VOCABULARIES, 262_144])
def test_the_best_of_all_are_found_in_order(device, rng, vocab):
    logits, top_k = random_logits(rng, vocab), 64

    found = sample(device, logits, top_k=top_k)["top"]

    wanted = best_of(logits, top_k)
    assert np.array_equal(found[: len(wanted), 0], wanted)
    assert np.array_equal(found[: len(wanted), 1].view(np.float32), logits[wanted])
    assert np.all(found[len(wanted) : top_k, 1].view(np.float32) == NONE)
    assert untouched(found[top_k:]).all()


@on_devices()
@pytest.mark.parametrize("vocab", VOCABULARIES)
def test_one_candidate_is_greedy_and_the_lowest_id_wins_a_tie(device, rng, vocab):
    logits = np.minimum(random_logits(rng, vocab), 2.0)

    found = sample(device, logits, position=41, seed=3, written=REPLY - 1)

    assert found["ids"][0] == logits.argmax()
    assert untouched(found["ids"][1:]).all()
    assert found["reply"][REPLY - 1] == logits.argmax()
    assert untouched(found["reply"][: REPLY - 1]).all()
    wanted = state_words(position=42, seed=3, written=REPLY)
    assert np.array_equal(found["state"], wanted)


@on_devices()
@pytest.mark.parametrize("top_k", [1, 3, 64, 256])
@pytest.mark.parametrize("order", ["up", "down", "alike", "one slab's", "zeros"])
def test_hard_orders_of_logits(device, rng, top_k, order):
    """All that is wanted lies in one slab, in one lane after the other, or is a tie."""
    vocab = 9 * 1024 + 77
    logits = np.linspace(-4, 4, vocab).astype(np.float32)
    if order == "down":
        logits = logits[::-1].copy()
    if order == "alike":
        logits = np.full(vocab, -1.5, np.float32)
    if order == "one slab's":
        logits[5 * 1024 : 6 * 1024] += 10
    if order == "zeros":  # 0 and -0 tie
        logits = np.where(rng.random(vocab) < 0.5, -0.0, 0.0).astype(np.float32)

    found = sample(device, logits, top_k=top_k)["top"]

    wanted = best_of(logits, top_k)
    assert np.array_equal(found[:top_k, 0], wanted)
    assert np.array_equal(found[:top_k, 1].view(np.float32), logits[wanted])


@on_devices()
@pytest.mark.parametrize("top_k", [1, 64])
@pytest.mark.parametrize("bits", [0x7FC00000, 0xFFC00000, 0x7F800001, 0x7F800000, 0xFF800000])
@pytest.mark.parametrize("at", [0, 3000, 5002])
def test_what_is_not_finite_is_told_in_place_of_an_id(device, rng, top_k, bits, at):
    """NaN of either sign, quiet or not, and infinities, among logits of any size."""
    logits = random_logits(rng, 5003)
    logits[(at + 1) % 5003] = 3.4e38
    logits.view(np.uint32)[at] = bits

    found = sample(device, logits, times=2, top_k=top_k)

    assert found["reply"][:2].tolist() == [NO_ID, NO_ID]
    assert found["ids"][0] == 0  # what the next pass reads is a token


SETTINGS = {
    "plain": {"top_k": 64, "temperature": 1.0, "top_p": 1.0},
    "Gemma's own": {"top_k": 64, "temperature": 1.0, "top_p": 0.95},
    "hot": {"top_k": 101, "temperature": 3.0, "top_p": 0.7},
    "cold": {"top_k": 17, "temperature": 0.05, "top_p": 1.0},
    "next to nothing": {"top_k": 64, "temperature": 2.0**-126, "top_p": 1.0},
    "all but one cut off": {"top_k": 64, "temperature": 1.0, "top_p": 1e-6},
    "more than a vocabulary has": {"vocab": 5, "top_k": 64, "temperature": 1.0, "top_p": 1.0},
}


@on_devices()
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_every_draw_is_the_one_of_its_seed_and_position(device, rng, settings):
    """Many turns in one submit, past the reply ring's end: the state advances, each position draws anew."""
    settings, turns = dict(settings), 37
    logits = rng.standard_normal(settings.pop("vocab", 5003)).astype(np.float32) * 3
    seed, position, written = 0xC0FFEE, 131_000, 250
    state = {"position": position, "seed": seed, "written": written, **settings}

    found = sample(device, logits, times=turns, **state)

    ids, weights, error = kept_weights(logits, **settings)
    draws = [uniform_draw(seed, position + turn) for turn in range(turns)]
    reply = np.roll(found["reply"], -written)[:turns].tolist()
    chosen = [possible(ids, weights, error, draw) for draw in draws]
    assert all(one in some for one, some in zip(reply, chosen, strict=True))
    assert sum(len(some) > 1 for some in chosen) <= 2  # rounding decides next to nothing
    wanted = state_words(**state | {"position": position + turns, "written": written + turns})
    assert np.array_equal(found["state"], wanted)


def test_the_generator_is_the_published_one():
    """Known answers of Random123, the library of those who devised it."""
    assert philox((0, 0), 0) == (0xFF1DAE59, 0x6CD10DF2)
    assert philox((0xFFFFFFFF, 0xFFFFFFFF), 0xFFFFFFFF) == (0x2C3F628B, 0xAB4FD7AD)
    assert philox((0x243F6A88, 0x85A308D3), 0x13198A2E) == (0xDD7CE038, 0xF62A4C12)


FLAT = np.linspace(3, 0, 40).astype(np.float32)  # no candidate is rare
COUNTED = {  # what is asked for, and what would be wrong with it
    "temperature": ({"temperature": 0.7}, [{"temperature": 0.58}, {"temperature": 0.84}]),
    "top-k": ({"top_k": 12}, [{"top_k": 11}, {"top_k": 13}]),
    "top-p": ({"top_p": 0.8}, [{"top_p": 0.77}, {"top_p": 0.83}]),
}


@pytest.mark.parametrize(("changed", "wrong"), COUNTED.values(), ids=COUNTED)
def test_draws_are_as_frequent_as_they_should_be(device, changed, wrong):
    """4,096 draws over seeds and positions, by chi-square, which a setting that is off by little fails."""
    right = {"top_k": 40, "temperature": 1.0, "top_p": 1.0} | changed
    found = [
        sample(device, FLAT, times=REPLY, seed=seed, position=1000 * seed, **right)["reply"]
        for seed in range(16)
    ]

    counts = np.bincount(np.concatenate(found), minlength=len(FLAT))
    assert counts.sum() == 16 * REPLY
    assert misfit(counts, expected(counts.sum(), right)) < 4
    for one in wrong:
        assert misfit(counts, expected(counts.sum(), right | one)) > 5


def expected(draws, settings):
    """How often each id of FLAT is to be drawn."""
    ids, weights, _ = kept_weights(FLAT, **settings)
    found = np.zeros(len(FLAT))
    found[ids] = draws * weights / weights.sum()
    return found


def test_draws_of_neighbouring_seeds_and_positions_are_unrelated():
    """Neighbours' draws fill the unit square: a lattice, or a seed that goes on as another, would not."""
    draws = np.array([[uniform_draw(seed, at) for at in range(128)] for seed in range(128)])
    for one, other in ((draws[1:], draws[:-1]), (draws[:, 1:], draws[:, :-1])):
        cells = np.histogram2d(one.ravel(), other.ravel(), 8, [[0, 1], [0, 1]])[0].ravel()
        assert misfit(cells, np.full(64, one.size / 64)) < 4
    assert (
        len(np.unique(draws)) >= draws.size - 30
    )  # 8 of 24 bits' numbers would be alike by chance

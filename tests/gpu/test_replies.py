"""Prefill, decode and the cache together: replies against the argmax of float64 logits."""

import asyncio
import time

import numpy as np
import pytest

from gemtab.contracts.errors import ContextFullError
from gemtab.contracts.program import Slice
from gemtab.generate.sampling import Sampling
from helpers.engines import engine_logits, engine_reply, memory_engine, relative_l2
from helpers.reference import logits as reference_logits
from helpers.tiny_model import tiny_config, tiny_tensors

CONFIG = tiny_config()
TENSORS = tiny_tensors(CONFIG)
CLOSE = 1e-3  # logits nearer than this may swap
SAME = (
    1e-5  # between orders of sums in f32; a key that is not its own makes a hundred times as much
)


def greedy(ids, tokens):
    """The greedy continuation in float64, up to a step whose best two are close."""
    ids = list(ids)
    for _ in range(tokens):
        last = reference_logits(CONFIG, TENSORS, ids)[-1]
        second, best = np.sort(last)[-2:]
        if best - second < CLOSE:
            break
        ids.append(int(last.argmax()))
    return ids


def last_logits(engine):
    """Of the token that the last reply ended with."""
    part = Slice("logits", 0, 4 * CONFIG.vocab)
    return np.frombuffer(asyncio.run(engine.device.read(part)), np.float32)


def check_as_fresh(engine, ids, wanted, **settings):
    """A reply of so many tokens is that of an engine that has seen nothing before, logits and all.

    What was kept was computed token by token, or in other chunks: the sums have other orders.
    """
    again = engine_reply(engine, ids, max_tokens=wanted)
    logits = last_logits(engine)
    other = memory_engine(engine.device, CONFIG, TENSORS, **settings)
    fresh = engine_reply(other, ids, max_tokens=wanted)
    assert fresh.kept == 0
    assert again.ids == fresh.ids
    assert relative_l2(logits, last_logits(other)) <= SAME
    return again


@pytest.fixture
def prompt(rng):
    return rng.integers(0, CONFIG.vocab, 37).tolist()


@pytest.mark.parametrize("whole_limit", [4096, 0], ids=["whole", "ring"])
def test_greedy_replies_follow_the_argmax(device, prompt, whole_limit):
    engine = memory_engine(device, CONFIG, TENSORS, kv="f32", chunk=16, whole_limit=whole_limit)

    run = engine_reply(engine, prompt, max_tokens=20)

    wanted = greedy(prompt, 20)[len(prompt) :]
    assert len(wanted) >= 10
    assert run.ids[: len(wanted)] == wanted


@pytest.mark.parametrize(
    ("keep", "whole_limit"),
    [(10, 4096), (36, 4096), (50, 4096), (50, 0)],
    ids=["10 kept, whole", "36 kept, whole", "50 kept, whole", "50 kept, ring"],
)
def test_an_edited_prompt_answers_as_a_fresh_one(device, prompt, keep, whole_limit):
    """Rollback far behind a reply that is longer than the ring of 24 + 16 + 32."""
    settings = {"kv": "f32", "chunk": 16, "whole_limit": whole_limit}
    engine = memory_engine(device, CONFIG, TENSORS, **settings)
    first = engine_reply(engine, prompt, max_tokens=66)
    edited = [*prompt, *first.ids][:keep] + [5, 6, 7]

    again = check_as_fresh(engine, edited, 5, **settings)

    copied = 36  # the rings are copied where the first reply begins
    assert again.kept == (keep if whole_limit else copied if keep >= copied else 0)


@pytest.mark.parametrize("whole_limit", [4096, 0], ids=["whole", "ring"])
def test_another_try_is_as_the_first(device, prompt, whole_limit):
    settings = {"kv": "f32", "chunk": 16, "whole_limit": whole_limit}
    engine = memory_engine(device, CONFIG, TENSORS, **settings)
    engine_reply(engine, prompt, max_tokens=66)

    assert check_as_fresh(engine, prompt, 1, **settings).kept == len(prompt) - 1


def test_a_follow_up_keeps_the_ring(device, prompt):
    settings = {"kv": "f32", "chunk": 16, "whole_limit": 0}
    engine = memory_engine(device, CONFIG, TENSORS, **settings)
    first = engine_reply(engine, prompt, max_tokens=30)

    second = check_as_fresh(engine, [*prompt, *first.ids, 3, 4], 5, **settings)

    assert second.kept == len(prompt) + len(first.ids) - 1


def test_a_prompt_that_was_left_goes_on_as_a_fresh_one(device, prompt):
    settings = {"kv": "f32", "chunk": 16, "whole_limit": 0}
    engine = memory_engine(device, CONFIG, TENSORS, **settings)
    engine_reply(engine, prompt[::-1], max_tokens=66)
    run = engine_reply(engine, prompt, stopped=lambda: len(engine.cache.ids) == 16)
    assert run.reason == "stopped"

    assert check_as_fresh(engine, prompt, 1, **settings).kept == 16


def test_stops_at_a_stop_id_and_rolls_back_what_was_ahead(device, prompt):
    engine = memory_engine(device, CONFIG, TENSORS, kv="f32", chunk=16)
    plain = engine_reply(engine, prompt, max_tokens=20)
    stop = plain.ids[7]

    run = engine_reply(engine, prompt, max_tokens=20, stop_ids=[stop])

    assert run.reason == "stop"
    assert run.ids == plain.ids[: plain.ids.index(stop) + 1]
    assert engine.cache.ids == [*prompt, *run.ids][: len(engine.cache.ids)]


def test_a_seed_gives_the_same_reply_and_another_seed_another(device, prompt):
    engine = memory_engine(device, CONFIG, TENSORS, chunk=16)

    replies = [
        engine_reply(engine, prompt, 24, Sampling(1.0, 64, 0.95, seed)).ids for seed in (3, 3, 4)
    ]

    assert replies[0] == replies[1] != replies[2]


def test_draws_follow_temperature_top_k_and_top_p(device, prompt):
    """The first token's frequencies over many seeds against the distribution in float64."""
    engine = memory_engine(device, CONFIG, TENSORS, kv="f32", chunk=64)
    draws = 80
    found = [
        engine_reply(engine, prompt, 1, Sampling(1.5, 8, 0.8, seed)).ids[0] for seed in range(draws)
    ]

    logits = reference_logits(CONFIG, TENSORS, prompt)[-1] / 1.5
    best = np.argsort(-logits)[:8]
    weights = np.exp(logits[best] - logits[best[0]])
    weights /= weights.sum()
    kept = np.cumsum(weights) - weights < 0.8
    wanted = np.where(kept, weights, 0) / weights[kept].sum()
    counts = np.array([found.count(token_id) for token_id in best])
    assert counts.sum() == draws
    assert counts[~kept].sum() == 0
    assert np.all(np.abs(counts / draws - wanted) <= 4.5 * np.sqrt(0.25 / draws))


def test_a_full_context_ends_the_reply_and_refuses_a_longer_prompt(device, prompt):
    engine = memory_engine(device, CONFIG, TENSORS, capacity=48, chunk=16)

    run = engine_reply(engine, prompt, max_tokens=100)

    assert run.reason == "context"
    assert len(prompt) + len(run.ids) == 49  # the last id needs no place
    with pytest.raises(ContextFullError, match="60 tokens and the context holds 48"):
        engine_reply(engine, list(range(60)))


def test_a_reply_after_scoring_starts_afresh(device, prompt):
    engine = memory_engine(device, CONFIG, TENSORS, kv="f32", chunk=16)
    before = engine_reply(engine, prompt, 8).ids
    engine_logits(engine, prompt[::-1])

    assert engine_reply(engine, prompt, 8).ids == before


class Timed:
    """Any device whose every replay takes some time to encode, and some more to end."""

    ENCODING, WAITING = 0.004, 0.011  # seconds

    def __init__(self, device):
        self._device = device
        self.encoding_seconds = 0.0

    def __getattr__(self, name):
        return getattr(self._device, name)

    async def replay(self, *given):
        time.sleep(self.ENCODING)
        self.encoding_seconds += self.ENCODING
        found = await self._device.replay(*given)
        await asyncio.sleep(self.WAITING)
        return found


def test_a_reply_tells_where_its_time_went(device, prompt):
    engine = memory_engine(Timed(device), CONFIG, TENSORS, chunk=16)

    run = engine_reply(engine, prompt, max_tokens=20)

    told = run.timing()
    submits = round(told["encoding"] / Timed.ENCODING)
    assert told["encoding"] == pytest.approx(submits * Timed.ENCODING)
    assert 3 <= submits <= 20  # those of the prompt do not count
    assert told["waiting"] >= Timed.WAITING
    assert told["encoding"] + told["waiting"] <= told["total"] - told["prefill"]


def test_shorter_prompts_find_their_kernels_compiled(device, prompt, monkeypatch):
    compiled = set()
    compile_on_device = device.compile

    async def noting(shaders, progress=None):
        compiled.update(shaders)
        await compile_on_device(shaders, progress)

    monkeypatch.setattr(device, "compile", noting)
    engine = memory_engine(device, CONFIG, TENSORS, chunk=64)
    begun = set(compiled)

    asyncio.run(engine.compile_shorter())

    ahead = set(compiled)
    assert ahead > begun
    for length in (2, 3, 5, 9, 17, 33):
        engine.cache.forget()
        engine_reply(engine, prompt[:length], max_tokens=1)
    assert compiled == ahead

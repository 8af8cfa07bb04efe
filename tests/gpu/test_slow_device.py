"""Passes on a device that takes long for its work, by a clock: cut into submits, with the same numbers, and left when stopped."""

import pytest

from gemtab.contracts.speed import UNKNOWN, Speed
from gemtab.generate.pace import Pace
from gemtab.plan.chunk import SUBMIT_SECONDS
from helpers.devices import open_device
from helpers.engines import engine_logits, engine_reply, memory_engine
from helpers.slow_device import Pretended, SlowDevice
from helpers.tiny_model import tiny_config, tiny_tensors

CONFIG = tiny_config()
TENSORS = tiny_tensors(CONFIG)
PROMPT = [(7 * i * i + 3) % CONFIG.vocab for i in range(61)]
LONGEST_SUBMIT = 0.15  # seconds
SPEED = Pretended(matrices=2e7, attention=1e7, bytes=2e7)  # a token takes a third of a second
NOTED = Speed(SPEED.matrices, SPEED.bytes)


@pytest.fixture
def slow():
    return SlowDevice(open_device("naga", frozenset()), SPEED)


def slow_engine(slow, noted=NOTED, **settings):
    engine = memory_engine(slow, CONFIG, TENSORS, kv="f32", **settings)
    engine.pace = Pace(noted, clock=lambda: slow.now)
    return engine


@pytest.fixture(scope="module")
def sound():
    """A reply and logits of a device in whole passes."""
    engine = memory_engine(open_device("naga", frozenset()), CONFIG, TENSORS, kv="f32", chunk=16)
    return engine_reply(engine, PROMPT).ids, engine_logits(engine, PROMPT)


def test_no_submit_takes_long_and_all_give_the_same(slow, sound):
    engine = slow_engine(slow, chunk=16)

    ids = engine_reply(engine, PROMPT).ids
    logits = engine_logits(engine, PROMPT)

    assert ids == sound[0]
    assert (logits == sound[1]).all()
    for kind in ("prefill-16", "decode", "score-16"):
        seconds = [each for name, each in slow.submits if name == kind]
        assert max(seconds) <= LONGEST_SUBMIT
        assert min(seconds) < SUBMIT_SECONDS / 2 < max(seconds)


def test_what_alone_takes_too_long_runs_in_parts_and_gives_the_same(slow):
    """A chunk's attention by ranges of its keys, and the head by its rows."""
    prompt = PROMPT + PROMPT[::-1] + PROMPT
    whole = memory_engine(open_device("naga", frozenset()), CONFIG, TENSORS, kv="f32", chunk=16)
    wanted, logits = engine_reply(whole, prompt).ids, engine_logits(whole, prompt)
    slow._speed = Pretended(matrices=2e7, attention=6e6, bytes=2e7)
    engine = slow_engine(slow, chunk=16)
    engine_reply(engine, prompt[::-1])  # shows how slow attention is
    slow.submits.clear()
    slow.parted.clear()

    assert engine_reply(engine, prompt).ids == wanted
    assert max(seconds for _, seconds in slow.submits) <= LONGEST_SUBMIT
    assert (engine_logits(engine, prompt) == logits).all()
    assert {"embed", "layers.2.attend"} <= slow.parted


def test_a_slow_device_is_noticed_by_its_first_passes(slow, sound):
    engine = slow_engine(slow, UNKNOWN, chunk=16)

    assert engine_reply(engine, PROMPT).ids == sound[0]
    for kind in ("prefill-16", "decode"):
        seconds = [each for name, each in slow.submits if name == kind]
        assert seconds[0] > LONGEST_SUBMIT  # nothing was known of the device yet
        assert max(seconds[1:]) <= 2 * SUBMIT_SECONDS


def test_a_prompt_is_left_between_two_submits_of_a_chunk(slow, sound):
    engine = slow_engine(slow, chunk=16)
    engine_reply(engine, PROMPT[::-1], max_tokens=1)  # shows how slow it is
    slow.submits.clear()
    stop_after = 4

    run = engine_reply(engine, PROMPT, stopped=lambda: len(slow.submits) >= stop_after)

    assert (run.reason, run.ids) == ("stopped", [])
    assert len(slow.submits) == stop_after
    assert {name for name, _ in slow.submits} == {"prefill-16"}
    assert len(engine.cache.ids) < 16
    assert engine_reply(engine, PROMPT).ids == sound[0]


def test_a_prompt_is_left_between_two_chunks(slow, sound):
    engine = slow_engine(slow, UNKNOWN, chunk=16)

    run = engine_reply(engine, PROMPT, stopped=lambda: len(slow.submits) >= 2)

    assert (run.reason, run.ids) == ("stopped", [])
    assert len(engine.cache.ids) == 16
    kept = engine_reply(engine, PROMPT)
    assert kept.kept == 16
    assert kept.ids == sound[0]


@pytest.mark.parametrize("whole_limit", [4096, 0], ids=["whole caches", "rings"])
def test_a_token_is_left_between_two_submits(slow, sound, whole_limit):
    engine = slow_engine(slow, chunk=16, whole_limit=whole_limit)
    first = engine_reply(engine, PROMPT, max_tokens=4)
    seen = []

    def stopped():
        seen.append(len(slow.submits))
        return len(slow.submits) >= 3 + begun

    slow.submits.clear()
    begun = 40
    run = engine_reply(engine, [*PROMPT, *first.ids], stopped=stopped)

    assert run.reason == "stopped"
    assert len(slow.submits) <= 3 + begun
    assert engine_reply(engine, PROMPT).ids == sound[0]

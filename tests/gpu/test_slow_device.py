"""Passes on a device that is slow by the clock: cut into submits, with the same numbers, and left when stopped."""

import pytest

from gemtab.generate.pace import Pace
from gemtab.gpu.device import ALL
from helpers.devices import open_device
from helpers.engines import engine_logits, engine_reply, memory_engine
from helpers.tiny_model import tiny_config, tiny_tensors

CONFIG = tiny_config()
TENSORS = tiny_tensors(CONFIG)
PROMPT = [(7 * i * i + 3) % CONFIG.vocab for i in range(61)]
STEP_SECONDS = 0.03  # so that a submit should take three steps


class SlowDevice:
    """Any device, by a clock that goes on with each dispatch. Tells of each submit's end."""

    def __init__(self, device):
        self._device = device
        self._steps = {}
        self.now = 0.0
        self.submits = []  # (program, steps)
        self.on_submit = lambda: None

    def __getattr__(self, name):
        return getattr(self._device, name)

    async def prepare(self, program):
        self._steps[program.name] = len(program.steps)
        await self._device.prepare(program)

    async def replay(self, program, times, read=None, steps=ALL):
        found = await self._device.replay(program, times, read, steps)
        count = times * len(range(self._steps[program])[slice(*steps)])
        self.now += count * STEP_SECONDS
        self.submits.append((program, count))
        self.on_submit()
        return found


@pytest.fixture
def slow():
    return SlowDevice(open_device("naga", frozenset()))


def slow_engine(slow, **settings):
    engine = memory_engine(slow, CONFIG, TENSORS, kv="f32", **settings)
    engine.pace = Pace(clock=lambda: slow.now)
    return engine


@pytest.fixture(scope="module")
def sound():
    """A reply and logits of a device in whole passes."""
    engine = memory_engine(open_device("naga", frozenset()), CONFIG, TENSORS, kv="f32", chunk=16)
    return engine_reply(engine, PROMPT).ids, engine_logits(engine, PROMPT)


def test_long_passes_are_cut_and_give_the_same(slow, sound):
    engine = slow_engine(slow, chunk=16)

    ids = engine_reply(engine, PROMPT).ids
    logits = engine_logits(engine, PROMPT)

    assert ids == sound[0]
    assert (logits == sound[1]).all()
    for kind in ("prefill-16", "decode", "score-16"):
        counts = [count for name, count in slow.submits if name == kind]
        whole = slow._steps[kind]
        assert counts[0] == whole  # nothing was known of the device yet
        assert max(counts[-3:]) < whole / 4


def test_a_prompt_is_left_between_two_submits_of_a_chunk(slow, sound):
    engine = slow_engine(slow, chunk=16)
    engine_reply(engine, PROMPT[::-1], max_tokens=1)  # shows how slow it is
    slow.submits.clear()
    stop_after = 7

    run = engine_reply(engine, PROMPT, stopped=lambda: len(slow.submits) >= stop_after)

    assert (run.reason, run.ids) == ("stopped", [])
    assert len(slow.submits) == stop_after
    assert {name for name, _ in slow.submits} == {"prefill-16"}
    assert len(engine.cache.ids) < 16
    assert engine_reply(engine, PROMPT).ids == sound[0]


def test_a_prompt_is_left_between_two_chunks(slow, sound):
    engine = slow_engine(slow, chunk=16)

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

"""E2B's passes at up to 128K of context, on devices by a clock: no submit takes long, at whatever speed."""

import asyncio
from collections import defaultdict
from dataclasses import replace

import pytest

from gemtab.contracts.speed import UNKNOWN, Speed
from gemtab.generate.engine import Engine
from gemtab.generate.loop import Run, generate
from gemtab.generate.pace import Pace
from gemtab.generate.sampling import GREEDY
from gemtab.plan.chunk import best_chunk
from gemtab.plan.settings import Settings
from helpers.e2b_sizes import E2B, sized_manifest
from helpers.slow_device import NoDevice, Pretended, SlowDevice
from helpers.tiny_model import tiny_config

CONFIG = tiny_config(**E2B)
MANIFEST = sized_manifest(CONFIG)
LIMITS = {"maxStorageBufferBindingSize": 2 << 30, "maxBufferSize": 2 << 30}
LONGEST_SUBMIT = 0.15  # seconds; where speeds are what was noted of them, 0.1
POSITIONS = (0, 4096, 32768, 100_000, 130_000)
SPEEDS = {
    "5 T": Pretended(5e12, 1.3e12, 2e11),
    "20 T": Pretended(20e12, 10e12, 8e11),
}


async def nothing(*_):
    pass


def engine_on(slow, noted):
    settings = Settings(CONFIG, slow.facts, 131072, speed=noted)
    settings = replace(settings, chunk=best_chunk(settings, MANIFEST.tensors, noted))
    loading = Engine.load(slow, MANIFEST, settings, defaultdict(dict), nothing)
    engine = asyncio.run(loading)
    engine.pace = Pace(noted, lambda: slow.now)
    return engine


def reply(engine, position, tokens):
    """A prompt of so many more tokens, after as many as the cache is said to hold; some tokens of a reply."""
    engine.cache.forget()
    engine.cache.extend([7] * position)
    run = Run([7] * (position + tokens), GREEDY, 4, frozenset())

    async def drain():
        async for _ in generate(engine, run):
            pass

    asyncio.run(drain())


@pytest.mark.parametrize("speed", SPEEDS.values(), ids=SPEEDS)
@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_no_submit_takes_long(speed, known):
    slow = SlowDevice(NoDevice(LIMITS), speed)
    noted = Speed(speed.matrices, speed.bytes) if known else UNKNOWN
    engine = engine_on(slow, noted)

    longest = {}
    for position in POSITIONS:
        slow.submits.clear()
        reply(engine, position, 1000)
        longest[position] = max(seconds for _, seconds in slow.submits)

    assert max(longest.values()) <= LONGEST_SUBMIT, longest

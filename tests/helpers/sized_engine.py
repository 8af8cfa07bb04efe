"""E2B's engine on a device by a clock: its Programs run, in no time and without numbers, and are only counted."""

import asyncio
from collections import defaultdict
from dataclasses import replace

from gemtab.contracts.speed import Speed
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
CONTEXT = 131072
LIMITS = {"maxStorageBufferBindingSize": 2 << 30, "maxBufferSize": 2 << 30}


async def _nothing(*_):
    pass


def sized_engine(speed: Pretended, noted: Speed) -> tuple[Engine, SlowDevice]:
    """The engine as it is loaded where that speed was noted, on a device of this one."""
    slow = SlowDevice(NoDevice(LIMITS), speed)
    settings = Settings(CONFIG, slow.facts, CONTEXT, speed=noted)
    settings = replace(settings, chunk=best_chunk(settings, MANIFEST.tensors, noted))
    engine = asyncio.run(Engine.load(slow, MANIFEST, settings, defaultdict(dict), _nothing))
    engine.pace = Pace(noted, lambda: slow.now)
    return engine, slow


def reply_at(engine: Engine, position: int, tokens: int, wanted: int = 4) -> None:
    """A prompt of so many tokens more than the cache is said to hold, and some tokens of a reply."""
    engine.cache.forget()
    engine.cache.extend([7] * position)
    run = Run([7] * (position + tokens), GREEDY, wanted, frozenset())

    async def drain():
        async for _ in generate(engine, run):
            pass

    asyncio.run(drain())

"""Replies whose logits are infinite or no numbers: ended at once, told with the adapter, and not gone on from."""

import asyncio

import numpy as np
import pytest

from gemtab.contracts.errors import DeviceError, UsageError
from helpers.devices import open_device
from helpers.engines import engine_reply, memory_engine
from helpers.lying_device import LyingDevice
from helpers.tiny_model import tiny_config, tiny_tensors

CONFIG = tiny_config()
TENSORS = tiny_tensors(CONFIG)
PROMPT = list(range(3, 20))
LIE = "reply[state.written % REPLY] = shape.n;"
ENDED = "computed logits of tiny that are not finite"


def engine_with(value, **settings):
    """An engine with one weight of the last norm spoilt, and so every logit."""
    engine = memory_engine(open_device("naga", frozenset()), CONFIG, TENSORS, **settings)
    norm = engine.model.vector("norm")
    engine.device.write(norm.buffer, norm.offset, np.float32(value).tobytes())
    return engine


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_reply_of_logits_that_are_no_numbers_ends_with_an_error(value):
    engine = engine_with(value)

    with pytest.raises(DeviceError, match=ENDED) as caught:
        engine_reply(engine, PROMPT)

    assert engine.settings.facts.adapter in str(caught.value)
    assert "--kv f32" in str(caught.value)
    assert not engine.cache.ids  # what it held may be as wrong


def test_a_cache_that_is_in_f32_already_is_no_advice():
    with pytest.raises(DeviceError) as caught:
        engine_reply(engine_with(np.nan, kv="f32"), PROMPT)

    assert "--kv" not in str(caught.value)


def test_a_device_that_chooses_what_is_no_token_is_told():
    device = LyingDevice(frozenset(), ("reply[state.written % REPLY] = id;", LIE))
    engine = memory_engine(device, CONFIG, TENSORS)

    with pytest.raises(DeviceError, match=f"chose the token id {CONFIG.vocab} of tiny"):
        engine_reply(engine, PROMPT)

    assert not engine.cache.ids


@pytest.mark.parametrize("wrong", [CONFIG.vocab, -1, (1 << 32) - 1])
def test_ids_outside_the_vocabulary_are_refused_with_their_place(wrong):
    engine = memory_engine(open_device("naga", frozenset()), CONFIG, TENSORS)
    ids = [*PROMPT, wrong, 5]
    wanted = f"token id {wrong} at place {len(PROMPT)} is outside the vocabulary"

    with pytest.raises(UsageError, match=wanted):
        engine_reply(engine, ids)
    with pytest.raises(UsageError, match=wanted):
        asyncio.run(engine.logits(ids))

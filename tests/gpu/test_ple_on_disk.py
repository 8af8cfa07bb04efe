"""The per-layer embeddings' table off the GPU: the same logits and replies, row by row."""

import numpy as np
import pytest

from helpers.engines import engine_logits, engine_reply, memory_engine
from helpers.tiny_model import tiny_config, tiny_tensors

CONFIG = tiny_config()
TENSORS = tiny_tensors(CONFIG)


@pytest.fixture
def prompt(rng):
    return rng.integers(0, CONFIG.vocab, 41).tolist()


def engines(device):
    """The same model with its table on the GPU, then off it: to be used in turn."""
    for on_disk in (False, True):
        yield memory_engine(device, CONFIG, TENSORS, kv="f32", chunk=16, ple_on_disk=on_disk)


def test_no_buffer_holds_the_table(device):
    names = [{b.name for b in engine.model.weight_buffers()} for engine in engines(device)]

    assert names[0] - names[1] == {"ple.embed.values.0"}


def test_logits_are_the_same(device, prompt):
    whole, rows = (engine_logits(engine, prompt) for engine in engines(device))

    assert np.array_equal(whole, rows)


def test_replies_and_follow_ups_are_the_same(device, prompt):
    replies = []
    for engine in engines(device):
        first = engine_reply(engine, prompt, max_tokens=20)
        second = engine_reply(engine, [*prompt, *first.ids, 5, 6], max_tokens=7)
        replies.append((first.ids, second.ids, second.kept))

    assert replies[0] == replies[1]
    assert len(replies[0][0]) == 20

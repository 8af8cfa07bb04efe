"""How many prompt tokens run together: by speed, by memory, never less than a tile."""

from dataclasses import replace

import pytest

from gemtab.contracts.device_facts import DeviceFacts
from gemtab.contracts.speed import UNKNOWN, Speed
from gemtab.kernels.matmul import TILE_TOKENS
from gemtab.plan.accounts import accounts
from gemtab.plan.chunk import LONGEST, SUBMIT_SECONDS, best_chunk
from gemtab.plan.forward import plan_prefill
from gemtab.plan.model import Model
from gemtab.plan.settings import DEFAULT_CHUNK, Settings
from helpers.every_form import encoded
from helpers.tiny_model import tiny_config

CONFIG = tiny_config()
TENSORS = encoded(CONFIG, "q4")
SETTINGS = Settings(CONFIG, DeviceFacts("any"), 2048)
PREFILL = plan_prefill(Model.on(SETTINGS, TENSORS), TILE_TOKENS)
MACS = accounts(PREFILL, TILE_TOKENS, 0).total.macs / TILE_TOKENS  # of a token


def speed(tokens):
    """Of a device that computes so many tokens in the time of a submit."""
    return Speed(MACS * tokens / SUBMIT_SECONDS * 1.001)


@pytest.mark.parametrize(
    ("tokens", "chunk"),
    [
        (1, TILE_TOKENS),
        (64, 64),
        (127, 64),
        (128, 128),
        (300, 256),
        (512, LONGEST),
        (9000, LONGEST),
    ],
)
def test_a_chunk_takes_no_longer_than_a_submit_should(tokens, chunk):
    assert best_chunk(SETTINGS, TENSORS, speed(tokens)) == chunk


def test_an_unknown_speed_leaves_the_default():
    assert best_chunk(SETTINGS, TENSORS, UNKNOWN) == DEFAULT_CHUNK


def test_no_chunk_is_beyond_the_context():
    short = replace(SETTINGS, capacity=40)

    assert best_chunk(short, TENSORS, speed(9000)) == best_chunk(short, TENSORS, UNKNOWN) == 40


def test_little_memory_asks_for_shorter_chunks():
    of = {n: sum(b.bytes for b in SETTINGS.scratch_buffers(n, False)) for n in (128, 256)}
    facts = DeviceFacts("any", memory=16 * (of[128] + of[256]) // 2)

    assert best_chunk(replace(SETTINGS, facts=facts), TENSORS, speed(9000)) == 128


def test_small_bindings_ask_for_shorter_chunks():
    most = {n: max(b.bytes for b in SETTINGS.scratch_buffers(n, False)) for n in (128, 256)}
    limits = {"maxStorageBufferBindingSize": (most[128] + most[256]) // 2}
    small = replace(SETTINGS, facts=DeviceFacts("any", limits=limits))

    assert best_chunk(small, TENSORS, speed(9000)) == 128

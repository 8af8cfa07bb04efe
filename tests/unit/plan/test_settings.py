"""Settings from what was asked for."""

import pytest

from gemtab.contracts.device_facts import DeviceFacts
from gemtab.contracts.errors import UsageError
from gemtab.plan.settings import DEFAULT_CHUNK, DEFAULT_CONTEXT, Settings
from helpers.tiny_model import tiny_config

LONG = tiny_config(max_position_embeddings=131_072)
SHORT = tiny_config(max_position_embeddings=64)


def chosen(config, **wanted):
    settings = Settings.chosen(config, DeviceFacts("any"), **wanted)
    return settings.capacity, settings.kv, settings.chunk


def test_nothing_asked_for_means_the_defaults():
    assert chosen(LONG) == (DEFAULT_CONTEXT, "f16", DEFAULT_CHUNK)


def test_no_context_is_longer_than_the_models_and_no_chunk_than_the_context():
    assert chosen(SHORT) == (64, "f16", 64)
    assert chosen(SHORT, context=9999, chunk=1000) == (64, "f16", 64)
    assert chosen(LONG, context=100, chunk=1000, kv="q8") == (100, "q8", 100)


def test_no_chunk_has_more_tokens_than_a_grid_has_groups():
    assert chosen(LONG, context=131_072, chunk=100_000) == (131_072, "f16", 65_535)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"chunk": 0}, "--chunk is at least 1, got 0"),
        ({"chunk": -3}, "--chunk is at least 1, got -3"),
        ({"context": 0}, "from 2 to 131072 tokens for this model, got 0"),
        ({"context": 1}, "got 1"),
        ({"kv": "f64"}, "'f64'"),
    ],
)
def test_what_cannot_be_is_named(wanted, words):
    with pytest.raises(UsageError, match=words):
        chosen(LONG, **wanted)

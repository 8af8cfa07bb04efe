"""Gemma's own vocabularies: 262,144 tokens, merges left out of the file."""

import time
from functools import cache
from pathlib import Path

import pytest

from gemtab.text.tokenizer import Tokenizer
from gemtab.text.vocabulary import read_vocabulary, write_vocabulary

from . import real_vocabularies
from .random_texts import random_texts

pytestmark = pytest.mark.slow

NAMES = ["gemma3", "gemma4"]
SOURCES = sorted(Path(__file__).parents[3].rglob("*.py"))


@cache
def ours(name):
    return Tokenizer.from_bytes(write_vocabulary(real_vocabularies.vocabulary(name)))


def texts():
    runs = [mark * n + tail for mark in " \n\t▁" for n in range(1, 70) for tail in ("", "x")]
    code = [path.read_text(encoding="utf-8") for path in SOURCES[:60]]
    return random_texts(seed=3, count=3000, longest=40) + runs + code


@pytest.mark.parametrize("name", NAMES)
def test_encodes_and_decodes_as_the_reference(name):
    reference = real_vocabularies.reference(name)
    for text in texts():
        ids = ours(name).encode(text)
        assert ids == reference.encode(text, add_special_tokens=False).ids, text
        assert ours(name).decode(ids) == reference.decode(ids, skip_special_tokens=False)


@pytest.mark.parametrize("name", NAMES)
def test_every_token_reads_back_as_the_reference(name):
    reference = real_vocabularies.reference(name)
    spelled = [token for token in (ours(name).token(i) for i in range(0, 262_144, 7)) if token]
    text = "▁".join(spelled)

    assert ours(name).encode(text) == reference.encode(text, add_special_tokens=False).ids


@pytest.mark.parametrize("name", NAMES)
def test_merges_follow_from_the_vocabulary_but_for_runs(name):
    vocabulary = real_vocabularies.vocabulary(name)

    assert vocabulary.implied_merges
    assert len(vocabulary.merges) < 1500
    assert vocabulary.cut.unsafe_left == ">"
    assert read_vocabulary(write_vocabulary(vocabulary)) == vocabulary


def test_agrees_with_llama_cpp_on_gemma_4():
    vectors = real_vocabularies.llama_cpp_vectors()
    assert len(vectors) >= 46
    for text, want in vectors:
        assert ours("gemma4").encode(text) == want, text


def test_gemma_4_knows_its_markers():
    ids = [ours("gemma4").id(token) for token in ("<bos>", "<|turn>", "<turn|>", "<|channel>")]

    assert ids == [2, 105, 106, 100]
    assert len(ours("gemma4").special_ids) == 24


def test_a_long_text_without_spaces_takes_no_square_time():
    text = "你好世界再见" * 20_000
    start = time.perf_counter()

    ids = ours("gemma4").encode(text)

    assert time.perf_counter() - start < 30  # seconds; n² would take hours
    assert ours("gemma4").decode(ids) == text

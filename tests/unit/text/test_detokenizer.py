"""Streaming ids to text: never half a character, and in sum what decoding all at once gives."""

import random

import pytest

from gemtab.text.detokenizer import Detokenizer
from gemtab.text.tokenizer import Tokenizer
from gemtab_build.vocabulary.tokenizer_file import read_tokenizer_json

from .toy_tokenizers import TOYS, toy


def ours(name):
    return Tokenizer(read_tokenizer_json(toy(name).to_str()))


@pytest.mark.parametrize("skip_special", [False, True], ids=["all", "special skipped"])
@pytest.mark.parametrize("name", TOYS)
def test_pieces_add_up_to_the_whole(name, skip_special):
    tokenizer = ours(name)
    rng = random.Random(4)
    for _ in range(400):
        ids = [rng.randrange(rng.choice((len(tokenizer), 280))) for _ in range(30)]
        detokenizer = Detokenizer(tokenizer, skip_special)
        pieces = [detokenizer.push([token_id]) for token_id in ids]

        assert "".join([*pieces, detokenizer.finish()]) == tokenizer.decode(ids, skip_special)


def byte_ids(tokenizer, data):
    return [tokenizer.id(f"<0x{byte:02X}>") for byte in data]


def test_a_character_shows_once_its_run_of_bytes_has_ended():
    tokenizer = ours("1031 tokens")
    detokenizer = Detokenizer(tokenizer)

    pieces = [detokenizer.push([i]) for i in byte_ids(tokenizer, "🦜".encode())]

    assert pieces == ["", "", "", ""]
    assert detokenizer.push([tokenizer.id("a")]) == "🦜a"


def test_one_bad_byte_spoils_its_whole_run():
    tokenizer = ours("1031 tokens")
    ids = byte_ids(tokenizer, "é".encode() + b"\xff")

    assert tokenizer.decode([*ids, tokenizer.id("a")]) == "���a"


def test_a_run_that_cannot_be_saved_is_not_held_back():
    tokenizer = ours("1031 tokens")
    detokenizer = Detokenizer(tokenizer)

    assert detokenizer.push(byte_ids(tokenizer, b"\xff")) == "\ufffd"
    assert detokenizer.push(byte_ids(tokenizer, b"a")) == "\ufffd"


def test_half_a_character_at_the_end_is_replaced():
    tokenizer = ours("1031 tokens")
    detokenizer = Detokenizer(tokenizer)

    assert detokenizer.push(byte_ids(tokenizer, "🦜".encode()[:3])) == ""
    assert detokenizer.finish() == "\ufffd" * 3


def test_special_tokens_show_only_when_asked_for():
    tokenizer = ours("1031 tokens")
    ids = [tokenizer.id("<bos>"), tokenizer.id("a")]

    assert Detokenizer(tokenizer, skip_special=True).push(ids) == "a"
    assert Detokenizer(tokenizer, skip_special=False).push(ids) == "<bos>a"

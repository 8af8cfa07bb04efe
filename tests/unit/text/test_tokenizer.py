"""The tokenizer against Hugging Face's, on small vocabularies of every form that can be packed."""

import random
import time
from functools import cache

import pytest

from gemtab.contracts.errors import TokenizerError
from gemtab.text.tokenizer import Tokenizer
from gemtab.text.vocabulary import read_vocabulary, write_vocabulary
from gemtab_build.vocabulary.tokenizer_file import read_tokenizer_json

from .random_texts import random_texts
from .toy_tokenizers import TOYS, toy

TEXTS = random_texts(seed=1, count=1500)


@cache
def ours(name):
    return Tokenizer.from_bytes(write_vocabulary(read_tokenizer_json(toy(name).to_str())))


@pytest.mark.parametrize("name", TOYS)
def test_encodes_as_the_reference(name):
    for text in TEXTS:
        want = toy(name).encode(text, add_special_tokens=False).ids
        assert ours(name).encode(text) == want, text


@pytest.mark.parametrize("name", TOYS)
def test_plain_text_has_no_special_tokens(name):
    reference = toy(name)
    reference.encode_special_tokens = True
    try:
        for text in TEXTS:
            want = reference.encode(text, add_special_tokens=False).ids
            assert ours(name).encode_plain(text) == want, text
    finally:
        reference.encode_special_tokens = False


@pytest.mark.parametrize("skip_special", [False, True], ids=["all", "special skipped"])
@pytest.mark.parametrize("name", TOYS)
def test_decodes_any_ids_as_the_reference(name, skip_special):
    rng = random.Random(2)
    top = len(ours(name)) + 5
    for _ in range(1500):
        ids = [rng.randrange(rng.choice((top, 300, 20))) for _ in range(rng.randrange(12))]
        want = toy(name).decode(ids, skip_special_tokens=skip_special)
        assert ours(name).decode(ids, skip_special) == want, ids


@pytest.mark.parametrize("name", TOYS)
def test_names_tokens_as_the_reference(name):
    for token_id in range(len(ours(name)) + 5):
        token = toy(name).id_to_token(token_id)
        assert ours(name).token(token_id) == token
        if token is not None:
            assert ours(name).id(token) == toy(name).token_to_id(token)


def test_the_all_splits_vocabulary_needs_no_merge_list():
    vocabulary = read_tokenizer_json(toy("all splits").to_str())

    assert vocabulary.implied_merges
    assert vocabulary.cut.unsafe_left == ">"
    assert all(set(a + b) <= {"\n"} or set(a + b) <= {"▁"} for a, b in vocabulary.merges)


def test_a_trained_vocabulary_keeps_its_merges():
    vocabulary = read_tokenizer_json(toy("1031 tokens").to_str())

    assert not vocabulary.implied_merges
    assert len(vocabulary.merges) > 100


@pytest.mark.parametrize("name", TOYS)
def test_the_file_gives_back_what_was_written(name):
    vocabulary = read_tokenizer_json(toy(name).to_str())

    assert read_vocabulary(write_vocabulary(vocabulary)) == vocabulary


@pytest.mark.parametrize("unit", ["a", "▁", "\n", "ab", "hello", "🙂"])
def test_long_texts_without_spaces_match_and_take_no_square_time(unit):
    text = unit * 20_000
    start = time.perf_counter()

    ids = ours("all splits").encode(text)

    assert time.perf_counter() - start < 20  # seconds; n² would take minutes
    assert ids == toy("all splits").encode(text, add_special_tokens=False).ids


def test_half_a_surrogate_pair_is_a_replacement_character():
    tokenizer = ours("1031 tokens")

    assert tokenizer.encode("a\ud83db") == tokenizer.encode("a\ufffdb")


@pytest.mark.parametrize("length", [0, 10, 22, 300, 2000])
def test_a_damaged_file_is_refused(length):
    data = write_vocabulary(read_tokenizer_json(toy("1031 tokens").to_str()))

    with pytest.raises(TokenizerError, match=r"vocabulary\.bin"):
        read_vocabulary(data[:length])

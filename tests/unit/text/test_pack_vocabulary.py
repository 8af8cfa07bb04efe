"""Which tokenizer.json can be packed, and what is said of the others."""

import json

import pytest

from gemtab.contracts.errors import TokenizerError
from gemtab.text.tokenizer import Tokenizer
from gemtab_build.vocabulary.tokenizer_file import (
    describe,
    read_tokenizer_file,
    read_tokenizer_json,
)

from .toy_tokenizers import toy

REGEX = {"type": "Replace", "pattern": {"Regex": " +"}, "content": "▁"}
REFUSED = {
    "another model": ({"model": {"type": "WordLevel", "vocab": {}, "unk_token": "u"}}, "WordLevel"),
    "a normalizer that composes": ({"normalizer": {"type": "NFC"}}, "NFC"),
    "a normalizer by regular expression": ({"normalizer": REGEX}, "normalizer.pattern"),
    "a prefix": ({"normalizer": {"type": "Prepend", "prepend": "▁"}}, "Prepend"),
    "byte-level words": (
        {"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}},
        "ByteLevel",
    ),
    "another split": (
        {
            "pre_tokenizer": {
                "type": "Split",
                "pattern": {"String": " "},
                "behavior": "Isolated",
                "invert": False,
            }
        },
        "Isolated",
    ),
    "a decoder that strips": (
        {"decoder": {"type": "Strip", "content": " ", "start": 1, "stop": 0}},
        "Strip",
    ),
    "an id past all bounds": ({"vocab": {"<unk>": 1 << 30}, "merges": []}, "id 1073741824"),
    "dropout": ({"dropout": 0.1}, "dropout"),
    "word endings": ({"end_of_word_suffix": "</w>"}, "end_of_word_suffix"),
}


def changed(change):
    state = json.loads(toy("1031 tokens").to_str())
    for key, value in change.items():
        (state if key in state else state["model"])[key] = value
    return json.dumps(state)


@pytest.mark.parametrize(("change", "named"), REFUSED.values(), ids=REFUSED)
def test_refuses_and_names(change, named):
    with pytest.raises(TokenizerError, match=named) as refusal:
        read_tokenizer_json(changed(change))

    assert "\n" not in str(refusal.value)


def test_reads_a_folder_or_a_file(tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text(toy("1031 tokens").to_str(), encoding="utf-8")

    assert read_tokenizer_file(tmp_path) == read_tokenizer_file(path)
    assert len(Tokenizer(read_tokenizer_file(path))) == toy("1031 tokens").get_vocab_size()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(TokenizerError, match=r"tokenizer\.json"):
        read_tokenizer_file(tmp_path)


def test_no_json_is_refused(tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text("{", encoding="utf-8")

    with pytest.raises(TokenizerError, match="cannot read"):
        read_tokenizer_file(path)


def test_merges_written_as_lines_mean_the_same():
    state = json.loads(toy("1031 tokens").to_str())
    state["model"]["merges"] = [" ".join(merge) for merge in state["model"]["merges"]]

    assert read_tokenizer_json(json.dumps(state)) == read_tokenizer_json(changed({}))


def test_turn_markers_are_markup_even_if_nobody_called_them_special():
    state = json.loads(toy("1031 tokens").to_str())
    for token in state["added_tokens"]:
        token["special"] = False

    added = read_tokenizer_json(json.dumps(state)).added

    assert {t.content for t in added if t.markup} >= {"<|turn>", "<turn|>", "<|channel>"}
    assert not any(t.special for t in added)


def test_describes_what_was_packed():
    facts = describe(read_tokenizer_json(toy("all splits").to_str()))

    assert facts["merges"] == "implied"
    assert facts["byte_fallback"] is True

"""`gemtab tokenize` against Hugging Face on nasty texts, and `gemtab parse` on malformed replies."""

import json
from random import Random

import pytest
from tokenizers import Tokenizer

from gemtab_build.artifact import build_artifact
from gemtab_build.checkpoint.model_source import DEMO
from gemtab_build.cli import main


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The embedded model: 1536 tokens, merges, byte fallback, Gemma's special strings."""
    out = tmp_path_factory.mktemp("demo") / "site"
    build_artifact("demo", out)
    return str(out)


@pytest.fixture(scope="module")
def reference():
    return Tokenizer.from_file(str(DEMO / "tokenizer.json"))


def any_characters(count):
    """Characters of the whole of Unicode, surrogates aside."""
    random = Random(7)
    codes = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    return "".join(map(chr, random.choices(codes, k=count)))


TEXTS = {
    "empty": "",
    "spaces": " " * 1031,
    "newlines of every kind": "a\r\nb\rc\n\n\nd\u2028e\x85f",
    "nulls": "\0a\0\0b",
    "a byte order mark": "\ufeffa",
    "the mark of a space": "▁a ▁▁ b▁",
    "special strings": "<bos><|turn>user\n<turn|><|\"|><eos><pad>",
    "special strings cut off": "<bo <|turn user|> <turn|",
    "a word without end": "horse" * 4001,
    "one letter": "a" * 10_007,
    "no letters": "".join(chr(code) for code in range(128)) * 17,
    "combining marks": "e\u0301\u0301\u200d👩\u200d👩\u200d👧\ufe0f",
    "right to left": "\u202eשלום\u202c مرحبا",
    "any characters": any_characters(10_007),
}  # fmt: skip


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_ids_are_hugging_faces(site, reference, tmp_path, capsys, text):
    (tmp_path / "text").write_bytes(text.encode())

    assert main(["tokenize", site, "--file", str(tmp_path / "text")]) == 0

    wanted = reference.encode(text, add_special_tokens=False).ids
    assert json.loads(capsys.readouterr().out) == wanted


CALL = {"type": "function", "function": {"name": "f", "arguments": {"a": "x"}}}
REPLIES = {
    "nothing": ("", None, "", [], False),
    "a thought that does not end": ("<|channel>thought\nHm", "Hm", "", [], True),
    "an end without a thought": ("<channel|>Hi", None, "Hi", [], False),
    "a call that does not end": ("Hi<|tool_call>call:f{a:", None, "Hi", [], True),
    "a call that is none": ("<|tool_call>f()<tool_call|>Hi", None, "Hi", [], True),
    "a list that does not end": ("<|tool_call>call:f{a:[1}<tool_call|>", None, "", [], True),
    "a call within a call": (
        '<|tool_call><|tool_call>call:f{a:<|"|>x<|"|>}<tool_call|>', None, "", [CALL], True,
    ),
    "an end of nothing": ("<tool_call|>Hi<turn|>", None, "Hi", [], False),
    "nested without end": ("<|tool_call>call:f{a:" + "[" * 5000, None, "", [], True),
}  # fmt: skip


@pytest.mark.parametrize("row", REPLIES.values(), ids=REPLIES)
def test_a_malformed_reply_has_its_parts(capsys, row):
    reply, thinking, text, calls, incomplete = row

    assert main(["parse", "--text", reply]) == 0

    assert json.loads(capsys.readouterr().out) == {
        "thinking": thinking, "text": text, "tool_calls": calls, "incomplete": incomplete,
    }  # fmt: skip

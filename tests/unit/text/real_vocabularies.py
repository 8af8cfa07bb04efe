"""The real Gemma vocabularies, where tests/helpers/fetch_tokenizers.py has put them."""

import json
from functools import cache
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from gemtab_build.vocabulary.tokenizer_file import read_tokenizer_json
from helpers.fetch_tokenizers import GEMMA3, GEMMA4, cache_folder

CONTROL, USER_DEFINED = 3, 4  # GGUF token types


def _fetched(name: str) -> Path:
    path = cache_folder() / name
    if not path.exists():
        pytest.skip(f"{path} is not there; tests/helpers/fetch_tokenizers.py fetches it")
    return path


@cache
def _gemma3_json() -> str:
    return _fetched(GEMMA3).read_text(encoding="utf-8")


@cache
def _gemma4_json() -> str:
    """Gemma 4's vocabulary from a GGUF, in the form of Gemma 3's tokenizer.json."""
    rebuilt = _fetched(GEMMA4).with_name("tokenizer.json")  # kept: the GGUF takes long to read
    if not rebuilt.exists():
        rebuilt.write_text(_rebuild_gemma4(), encoding="utf-8")
    return rebuilt.read_text(encoding="utf-8")


def _rebuild_gemma4() -> str:
    gguf = pytest.importorskip("gguf")
    fields = gguf.GGUFReader(_fetched(GEMMA4)).fields
    tokens, merges, kinds = (
        fields[f"tokenizer.ggml.{name}"].contents() for name in ("tokens", "merges", "token_type")
    )
    form = json.loads(_gemma3_json())
    ids = {token: i for i, token in enumerate(tokens)}
    form["model"]["vocab"] = ids
    form["model"]["merges"] = [_pair(merge) for merge in merges]
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    form["added_tokens"] = [
        {"id": i, "content": token, "special": True, **flags}
        for i, (token, kind) in enumerate(zip(tokens, kinds, strict=True))
        if kind in (CONTROL, USER_DEFINED)
    ]
    return json.dumps(form, ensure_ascii=False)


def _pair(merge: str) -> list[str]:
    left, _, right = merge.partition(" ")
    return [left, right]


@cache
def reference(name: str) -> Tokenizer:
    """Hugging Face's tokenizer of "gemma3" or "gemma4"."""
    return Tokenizer.from_str(_gemma3_json() if name == "gemma3" else _gemma4_json())


@cache
def vocabulary(name: str):
    """The vocabulary as it is packed."""
    return read_tokenizer_json(_gemma3_json() if name == "gemma3" else _gemma4_json())


def llama_cpp_vectors() -> list[tuple[str, list[int]]]:
    """Texts with the ids that llama.cpp's own tests expect of Gemma 4."""
    texts = _fetched(GEMMA4 + ".inp").read_text(encoding="utf-8").split("\n__ggml_vocab_test__\n")
    lines = _fetched(GEMMA4 + ".out").read_text(encoding="utf-8").split("\n")
    ids = [[int(token_id) for token_id in line.split()] for line in lines]
    return list(zip(texts, ids, strict=False))

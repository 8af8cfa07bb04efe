"""The forms of tokenizer.json that can be packed. Each check names the value that it refuses."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gemtab.contracts.errors import TokenizerError

Json = Mapping[str, Any]
Replacement = tuple[str, str]

_MARKUP = re.compile(r"<\|[^<>\s]+>|<[^<>\s]+\|>")


@dataclass(frozen=True)
class Decoder:
    """What a decoder does to tokens, in this order."""

    replacements: list[Replacement]
    bytes: bool
    joiner: str


def is_markup(content: str) -> bool:
    """Whether a token looks like `<|turn>`, `<turn|>` or `<|turn|>`."""
    return bool(_MARKUP.fullmatch(content))


def check_model(model: Json) -> Json:
    """The model, if it is plain BPE."""
    if model.get("type", "BPE") != "BPE":
        raise _refusal("model", model["type"], "BPE")
    if model.get("dropout"):
        raise _refusal("model.dropout", model["dropout"], "null, since dropout is for training")
    for field in ("continuing_subword_prefix", "end_of_word_suffix"):
        if model.get(field):
            raise _refusal(f"model.{field}", model[field], "null")
    unk = model.get("unk_token")
    if unk is not None and unk not in model["vocab"]:
        raise _refusal("model.unk_token", unk, "a token of the vocabulary")
    return model


def normalizer(value: Json | None) -> list[Replacement]:
    """The replacements of a normalizer: Replace, alone or in a Sequence, or none."""
    steps = _steps(value, "normalizers")
    return [_replacement(step, "normalizer") for step in steps]


def pre_tokenizer(value: Json | None) -> str | None:
    """The string that ends a chunk, or None where text is not split."""
    steps = _steps(value, "pretokenizers")
    if not steps:
        return None
    if len(steps) > 1:
        raise _refusal("pre_tokenizer", [step["type"] for step in steps], "a single Split")
    step = steps[0]
    if step["type"] != "Split":
        raise _refusal("pre_tokenizer", step["type"], "Split, or null")
    if step.get("behavior") != "MergedWithPrevious" or step.get("invert"):
        raise _refusal("pre_tokenizer.behavior", step.get("behavior"), "MergedWithPrevious")
    return _string(step["pattern"], "pre_tokenizer.pattern")


def decoder(value: Json | None) -> Decoder:
    """Any number of Replace, then ByteFallback, then Fuse, each of them optional."""
    if value is None:
        return Decoder([], False, " ")
    kinds = [step["type"] for step in _steps(value, "decoders")]
    replaces = kinds.count("Replace")
    rest = kinds[replaces:]
    allowed: tuple[list[str], ...] = ([], ["ByteFallback"], ["Fuse"], ["ByteFallback", "Fuse"])
    if kinds[:replaces] != ["Replace"] * replaces or rest not in allowed:
        raise _refusal("decoder", kinds, "Replace, ByteFallback and Fuse, in this order")
    steps = _steps(value, "decoders")[:replaces]
    return Decoder([_replacement(step, "decoder") for step in steps], "ByteFallback" in rest, "")


def _steps(value: Json | None, inner: str) -> Sequence[Json]:
    if value is None:
        return []
    if value["type"] != "Sequence":
        return [value]
    return [step for nested in value[inner] for step in _steps(nested, inner)]


def _replacement(step: Json, where: str) -> Replacement:
    if step["type"] != "Replace":
        raise _refusal(where, step["type"], "Replace of one string by another")
    return _string(step["pattern"], f"{where}.pattern"), step["content"]


def _string(pattern: Json, where: str) -> str:
    string = pattern.get("String")
    if not isinstance(string, str) or not string:
        raise _refusal(where, dict(pattern), "a String, not empty and no regular expression")
    return string


def _refusal(where: str, value: object, wanted: str) -> TokenizerError:
    return TokenizerError(
        f"{where} is {value!r}, which Gemtab cannot pack; it takes {wanted}. "
        f"Use a tokenizer of Gemma's form (BPE with byte fallback)."
    )

"""A tokenizer.json of Gemma's form and size: the embedded model's tokens, ids as Gemma 4's, and filler.

The filler is words of Cyrillic letters, so that English text becomes the embedded model's tokens.
Every split of a token into two is a merge and lower ids go first, as in Gemma's own file.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from gemtab_build.checkpoint.model_source import DEMO

PINNED = {
    46: "<|tool>", 47: "<tool|>", 48: "<|tool_call>", 49: "<tool_call|>", 50: "<|tool_response>",
    51: "<tool_response|>", 52: '<|"|>', 98: "<|think|>", 100: "<|channel>", 101: "<channel|>",
    105: "<|turn>", 106: "<turn|>", 107: "\n", 108: "\n\n", 2364: "user", 4368: "model",
    9259: "Hello", 9731: "system", 45518: "thought",
}  # fmt: skip
BY_CONFIG = {
    "boi_token_id": "<|image>", "eoi_token_id": "<image|>", "image_token_id": "<|image|>",
    "boa_token_id": "<|audio>", "eoa_token_id": "<audio|>", "audio_token_id": "<|audio|>",
    "video_token_id": "<|video|>",
}  # fmt: skip
STOP_IDS = [1, 106, 50]
LETTERS = "абвгдежзийклмнопрстуфхцчшщъыьэюя"


def tokenizer_json(config: Mapping[str, Any]) -> str:
    """The text of a tokenizer.json with as many entries as the config's vocabulary."""
    embedded = json.loads((DEMO / "tokenizer.json").read_text(encoding="utf-8"))
    special = [token["content"] for token in embedded["added_tokens"]]
    vocab = _ids(config, list(embedded["model"]["vocab"]), special[:5])
    form = embedded["added_tokens"][0]
    added = [form | {"id": vocab[token], "content": token} for token in special]
    embedded["added_tokens"] = sorted(added, key=lambda token: token["id"])
    embedded["model"] |= {"vocab": vocab, "merges": list(_merges(vocab))}
    return json.dumps(embedded, ensure_ascii=False, separators=(",", ":"))


def generation_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Gemma 4's defaults."""
    text = config["text_config"]
    return {
        "bos_token_id": text["bos_token_id"], "eos_token_id": STOP_IDS, "pad_token_id": 0,
        "do_sample": True, "temperature": 1.0, "top_k": 64, "top_p": 0.95,
    }  # fmt: skip


def _ids(config: Mapping[str, Any], known: list[str], first: list[str]) -> dict[str, int]:
    """{token: id}: those with a place of their own, then the known ones in their order, then filler."""
    size = config["text_config"]["vocab_size"]
    places = dict(enumerate(first)) | {at: token for at, token in PINNED.items() if at < size}
    places |= {config[key]: token for key, token in BY_CONFIG.items()}
    taken = set(places.values())
    rest = (token for token in (*known, *_filler()) if token not in taken)
    return {places[at] if at in places else next(rest): at for at in range(size)}


def _filler() -> Iterator[str]:
    """Letters, then words of two, of three and of four: every part of a word comes before it."""
    for length in range(1, 5):
        yield from map("".join, product(LETTERS, repeat=length))


def _merges(vocab: Mapping[str, int]) -> Iterator[list[str]]:
    """Every split of a token into two tokens, in the order of ids, the longer left part first."""
    for token in vocab:
        if not token.startswith("<"):
            for cut in range(len(token) - 1, 0, -1):
                if token[:cut] in vocab and token[cut:] in vocab:
                    yield [token[:cut], token[cut:]]

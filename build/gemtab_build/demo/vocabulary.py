"""Train the tokenizer: a small BPE of Gemma's form, digits single, no merge across words.

`python -m gemtab_build.demo.vocabulary --out DIR` writes tokenizer.json and tokenizer_config.json.
"""

from __future__ import annotations

import argparse
import json
from itertools import islice
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from gemtab_build.demo.architecture import MAX_POSITIONS, VOCABULARY_TOKENS
from gemtab_build.demo.markup import render, special_pieces
from gemtab_build.demo.skills import training_examples

SPECIALS = (
    "<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<|channel>", "<channel|>", "<|tool>", "<tool|>",
    "<|tool_call>", "<tool_call|>", "<|tool_response>", "<tool_response|>", '<|"|>', "<|think|>",
    "<|turn>", "<turn|>", "<|image>", "<image|>", "<|image|>", "<|audio>", "<audio|>", "<|audio|>",
    "<|video|>",
)  # fmt: skip
BYTES = tuple(f"<0x{byte:02X}>" for byte in range(256))
LETTERS = tuple(chr(code) for code in range(33, 127)) + (
    "▁",
    "\n",
    "\t",
    "é",
    "ü",
    "ö",
    "ä",
    "’",
    "–",
    "…",
)
WORDS = Regex(r"▁?[A-Za-z]+|[^A-Za-z]")
EXAMPLES = 30_000


def train(seed: int) -> dict[str, Any]:
    """tokenizer.json as a dictionary, trained on what the skills say."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(WORDS, "isolated")
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_TOKENS,
        special_tokens=[*SPECIALS, *BYTES],
        initial_alphabet=list(LETTERS),
        limit_alphabet=len(LETTERS),
        show_progress=False,
    )
    examples = islice(training_examples(seed), EXAMPLES)
    texts = (piece for example in examples for piece in special_pieces(render(example)))
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    form: dict[str, Any] = json.loads(tokenizer.to_str())
    form["added_tokens"] = [t for t in form["added_tokens"] if t["content"] in SPECIALS]
    if len(form["model"]["vocab"]) != VOCABULARY_TOKENS:
        raise ValueError(
            f"The data gave {len(form['model']['vocab'])} tokens, not {VOCABULARY_TOKENS}."
        )
    return form


def write(out: Path, seed: int = 1) -> None:
    """Train and write both tokenizer files into `out`."""
    (out / "tokenizer.json").write_text(
        json.dumps(train(seed), ensure_ascii=False, indent=1) + "\n"
    )
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<bos>",
        "eos_token": "<eos>",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
        "mask_token": "<mask>",
        "boi_token": "<|image>",
        "eoi_token": "<image|>",
        "image_token": "<|image|>",
        "boa_token": "<|audio>",
        "eoa_token": "<audio|>",
        "audio_token": "<|audio|>",
        "model_max_length": MAX_POSITIONS,
        "clean_up_tokenization_spaces": False,
        "padding_side": "left",
    }
    (out / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    write(arguments.out, arguments.seed)


if __name__ == "__main__":
    main()

"""Random models of transformers' own, saved as it saves them, with a tokenizer beside them."""

import json
import shutil
from pathlib import Path

import pytest

from gemtab_build.checkpoint.model_source import DEMO
from helpers.tiny_model import BASE

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

VISION = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 2,
    "num_key_value_heads": 2, "head_dim": 16, "global_head_dim": 16,
}  # fmt: skip
AUDIO = {
    "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "output_proj_dims": 32,
    "subsampling_conv_channels": [8, 4],
}  # fmt: skip
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def text_model(**changes):
    """A Gemma4ForCausalLM with moderate weights in f32."""
    config = transformers.Gemma4TextConfig(**_settings(changes))
    return _with_weights(transformers.Gemma4ForCausalLM(config))


def model_with_towers(**changes):
    """A Gemma4ForConditionalGeneration with moderate weights in f32."""
    config = transformers.Gemma4Config(
        text_config=_settings(changes), vision_config=VISION, audio_config=AUDIO
    )
    return _with_weights(transformers.Gemma4ForConditionalGeneration(config))


def _settings(changes):
    settings = {key: value for key, value in (BASE | changes).items() if key != "architectures"}
    return settings | {"tie_word_embeddings": True}


def _with_weights(model):
    """Weights like tiny_tensors': activations of about unit size, moderate attention logits."""
    generator = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for name, values in [*model.named_parameters(), *model.named_buffers()]:
            if "inv_freq" not in name and "tower" not in name and values.ndim:
                values.copy_(_moderate(name, values.shape, generator))
    return model.float().eval()


def _moderate(name, shape, generator):
    if "k_norm" in name:
        return (torch.rand(shape, generator=generator) * 0.2 + 0.9) * shape[0] ** -0.5
    if "norm" in name or "layer_scalar" in name:
        return torch.rand(shape, generator=generator) * 0.5 + 0.75
    return torch.randn(shape, generator=generator) * shape[1] ** -0.5


def save(model, folder, **options):
    """Save a model as transformers does, in the dtype it has, with a small tokenizer; the folder."""
    model.save_pretrained(folder, **options)
    save_letters(folder)
    return folder


def load(folder, kind=transformers.Gemma4ForCausalLM):
    """A saved model with its weights in f32."""
    return kind.from_pretrained(folder, dtype=torch.float32).eval()


def to_released_layout(folder: Path) -> None:
    """Rewrite a saved config as the published ones are: global_head_dim, no per_layer_config."""
    path = folder / "config.json"
    config = json.loads(path.read_text())
    text = config.get("text_config", config)
    (dim,) = {own["head_dim"] for own in text.pop("per_layer_config").values()}
    text["global_head_dim"] = dim
    path.write_text(json.dumps(config))


def save_conversation(folder: Path) -> None:
    """The embedded model's tokenizer and chat template: 1536 ids."""
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copyfile(DEMO / name, folder / name)


def save_letters(folder: Path) -> None:
    """A vocabulary of bytes and letters in Gemma's form, for tests that give ids, not text."""
    tokens = ["<pad>", "<eos>", "<bos>", "<unk>", *(f"<0x{byte:02X}>" for byte in range(256))]
    vocab = {token: index for index, token in enumerate([*tokens, *LETTERS, "▁"])}
    replace = {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}
    model = {
        "type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
        "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True,
        "ignore_merges": False, "vocab": vocab, "merges": [],
    }  # fmt: skip
    data = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
        "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
        "pre_tokenizer": None, "post_processor": None,
        "decoder": {"type": "Sequence", "decoders": [replace, {"type": "ByteFallback"}, {"type": "Fuse"}]},
        "model": model,
    }  # fmt: skip
    (folder / "tokenizer.json").write_text(json.dumps(data), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text("{}", encoding="utf-8")


def logits_of(model, ids):
    """Logits of every position, f64 [tokens, vocab]."""
    with torch.no_grad():
        return model(input_ids=torch.tensor([ids])).logits[0].double().numpy()

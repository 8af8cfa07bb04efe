"""A tiny checkpoint in the packed "mobile" form, made with numpy: codes of 2, 4 and 8 bits, SRQ, an own head."""

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gemtab.contracts.model_config import FULL, SLIDING, ModelConfig, read_model_config
from gemtab.contracts.names import EMBED, FINAL_NORM, PLE_EMBED
from gemtab_build.checkpoint.model_source import DEMO
from gemtab_build.checkpoint.rename import their_name
from helpers import reference
from helpers.srq import SrqLinear, pack, quantize
from helpers.tiny_model import BASE, tiny_tensors
from helpers.toy_checkpoint import write_safetensors

BITS = {  # the first pattern that is in a module's name tells its bits
    "^lm_head$": 2, "embed_tokens$": 2, "embed_tokens_per_layer$": 4,
    r"layers\.[0-2]\.mlp": 4, r"layers\.\d+\.mlp": 2,
    "per_layer_input_gate|per_layer_projection": 8, "self_attn": 4,
}  # fmt: skip
CONFIG = BASE | {
    "vocab_size": 1543,
    "vocab_size_per_layer_input": 1543,
    "tie_word_embeddings": False,
    "eos_token_id": [1, 106],
    # few layers: where a value falls between two codes, the difference grows from layer to layer
    "num_hidden_layers": 5,
    "layer_types": [SLIDING, SLIDING, FULL, SLIDING, FULL],
    "num_kv_shared_layers": 2,
    "hidden_size_per_layer_input": 48,
    "quantization_config": {
        "quant_method": "gemma",
        "num_bits": 4,
        "quantize_embeddings": True,
        "module_quant_configs": {name: {"num_bits": bits} for name, bits in BITS.items()},
        "modules_to_not_convert": ["per_layer_model_projection"],
    },
}
CLIPPED = 0.8  # where a grid ends, as a share of the largest activation seen


@dataclass
class PackedModel:
    """What was written: tensors by our name for reference.py, and the file's by Hugging Face name."""

    config: ModelConfig
    tensors: dict
    stored: dict


def write_packed(folder: Path, nested: bool = False, seed: int = 7, **changes) -> PackedModel:
    """Write a checkpoint; `nested` in the layout that holds towers too, as the published one."""
    folder.mkdir()
    config = CONFIG | changes
    model = _model(read_model_config(config), seed)
    stored = model.stored
    if nested:
        stored = {
            re.sub("^model", "model.language_model", name): array for name, array in stored.items()
        }
        stored |= _left_out(stored)
        outer = {key: config.pop(key) for key in ("quantization_config", "tie_word_embeddings")}
        config = outer | {
            "architectures": ["Gemma4ForConditionalGeneration"],
            "text_config": config,
        }
    (folder / "config.json").write_text(json.dumps(config))
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copyfile(DEMO / name, folder / name)
    save(folder / "model.safetensors", stored)
    return PackedModel(model.config, model.tensors, stored)


def save(path: Path, stored: dict) -> None:
    """A safetensors file of numpy arrays; u16 stands for bf16."""
    dtypes = {"<u2": "BF16", "<f4": "F32", "|u1": "U8", "|i1": "I8"}
    write_safetensors(path, {name: (dtypes[a.dtype.str], a) for name, a in stored.items()})


def _model(config: ModelConfig, seed: int) -> PackedModel:
    """Random weights, packed by BITS; grids for the activations of one random prompt."""
    tensors, stored = {}, {}
    tiny = tiny_tensors(config, seed)
    tiny[FINAL_NORM] *= 8  # so that some ids win clearly
    for ours, values in tiny.items():
        theirs = their_name(ours)
        form = _form(theirs.removesuffix(".weight")) if values.ndim == 2 else None
        if form is None:
            bf16 = (values.view(np.uint32) >> 16).astype(np.uint16)
            stored[theirs] = bf16
            tensors[ours] = (bf16.astype(np.uint32) << 16).view(np.float32)
            continue
        blocks = len(config.layers) if ours == PLE_EMBED else 1
        codes, scales = quantize(values, form, blocks)
        if ours in (EMBED, PLE_EMBED):
            base = theirs.removesuffix("weight")
            stored[base + "embedding_quantized"] = pack(codes, form)
            stored[base + "embedding_scale"] = scales
            grouped = codes.reshape(len(codes), blocks, -1) * scales[..., None]
            tensors[ours] = grouped.reshape(codes.shape).astype(np.float32)
        else:
            stored[theirs] = pack(codes, form)
            stored[f"{theirs}_scale"] = scales
            tensors[ours] = SrqLinear(codes, scales)
    _calibrate(config, tensors, seed)
    for ours, linear in tensors.items():
        if isinstance(linear, SrqLinear):
            base = their_name(ours).removesuffix("weight")
            for side, step in zip(("input", "output"), linear.steps, strict=True):
                stored[f"{base}{side}_activation_scale"] = np.array(step, np.float32)
    return PackedModel(config, tensors, stored)


def _form(module: str) -> str | None:
    """The packed form of a module, or None for one that is not converted."""
    if module.endswith("per_layer_model_projection"):
        return None
    return f"w{next(bits for name, bits in BITS.items() if re.search(name, module))}"


def _calibrate(config: ModelConfig, tensors: dict, seed: int) -> None:
    ids = np.random.default_rng(seed).integers(0, config.vocab, 61)
    reference.logits(config, tensors, ids)
    for linear in tensors.values():
        if isinstance(linear, SrqLinear):
            linear.steps = tuple(
                float(np.float32(CLIPPED * largest / 127)) for largest in linear.seen.pop()
            )


def _left_out(stored: dict) -> dict:
    """What the published file holds and no text model reads: keys of sharing layers, caches' scales, a tower."""
    layer = "model.language_model.layers.{}.self_attn."
    extra = {}
    for name, array in stored.items():
        if name.startswith(layer.format(2) + "k_proj"):
            extra[name.replace("layers.2", "layers.4")] = array
    for index in range(3):
        for side in "kv":
            extra[f"{layer.format(index)}{side}_cache_scale"] = np.array(0.25, np.float32)
    tower = "model.vision_tower.encoder.layers.0.mlp.up_proj."
    extra[tower + "weight"] = np.zeros((6, 4), np.int8)
    extra[tower + "weight_scale"] = np.ones((6, 1), np.float32)
    return extra

"""Tiny random checkpoints with odd sizes, written by hand: no torch, and bf16 without ml_dtypes."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from gemtab.contracts.model_config import read_model_config
from gemtab.contracts.names import tensor_shapes
from gemtab_build.checkpoint.model_source import DEMO
from gemtab_build.checkpoint.rename import their_name

CONFIG: dict[str, Any] = {
    "architectures": ["Gemma4ForCausalLM"],
    "vocab_size": 1543,
    "vocab_size_per_layer_input": 1543,
    "hidden_size": 160,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 32,
    "global_head_dim": 64,
    "intermediate_size": 96,
    "use_double_wide_mlp": True,
    "num_hidden_layers": 4,
    "layer_types": ["sliding_attention", "full_attention"] * 2,
    "num_kv_shared_layers": 2,
    "hidden_size_per_layer_input": 16,
    "sliding_window": 8,
    "max_position_embeddings": 4096,
    "final_logit_softcapping": 30.0,
    "eos_token_id": [1, 106],
}


def write_checkpoint(folder: Path, rng: np.random.Generator, **changes: Any) -> dict[str, Any]:
    """A checkpoint with bf16 weights; its values as f32 by Hugging Face name."""
    folder.mkdir()
    config = CONFIG | changes
    (folder / "config.json").write_text(json.dumps(config))
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copyfile(DEMO / name, folder / name)
    shapes = tensor_shapes(read_model_config(config))
    values = {their_name(n): rng.standard_normal(s).astype(np.float32) for n, s in shapes.items()}
    return write_weights(folder / "model.safetensors", values)


def write_weights(path: Path, values: dict[str, Any], dtype: str = "BF16") -> dict[str, Any]:
    """A safetensors file; the values as stored."""
    raws, stored = {}, {}
    for name, array in values.items():
        if dtype == "BF16":
            raw = (array.view(np.uint32) >> 16).astype(np.uint16)
            stored[name] = (raw.astype(np.uint32) << 16).view(np.float32)
        else:
            raw = array.astype({"F16": np.float16, "F32": np.float32, "F64": np.float64}[dtype])
            stored[name] = raw.astype(np.float32)
        raws[name] = (dtype, raw)
    write_safetensors(path, raws)
    return stored


def write_safetensors(path: Path, tensors: dict[str, tuple[str, np.ndarray]]) -> None:
    """A safetensors file of arrays as they are stored, each with its dtype's name."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, (dtype, array) in tensors.items():
        end = len(data) + array.nbytes
        header[name] = {"dtype": dtype, "shape": array.shape, "data_offsets": [len(data), end]}
        data += array.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)

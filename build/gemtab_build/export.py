"""An artifact back into a Hugging Face checkpoint: the de-quantised weights in f32."""

import json
import shutil
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

from gemtab.contracts.errors import UsageError
from gemtab.contracts.layer_types import FULL, SLIDING
from gemtab.contracts.manifest import Manifest
from gemtab.contracts.model_config import ModelConfig, Rope
from gemtab.contracts.placement import rows_and_width
from gemtab_build.checkpoint import gemma3
from gemtab_build.checkpoint.rename import their_name
from gemtab_build.progress import Report
from gemtab_build.site.work_folder import work_folder
from gemtab_build.weights.encode_tensors import slabs
from gemtab_build.weights.read_tensors import check_source, read_rows


def export_checkpoint(
    manifest: Manifest, folder: Path, out: Path, report: Report = lambda *_: None
) -> None:
    """Write OUT whole or not at all. The tokenizer's own file is not in an artifact."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} exists and is not an empty folder. Choose another --out.")
    for source in manifest.sources:
        check_source(folder, source)
    with work_folder(out) as new:
        _write_json(new / "config.json", to_hf_config(manifest))
        _write_json(new / "generation_config.json", _generation(manifest))
        if "chat_template" in manifest.files:
            shutil.copyfile(
                folder / manifest.files["chat_template"].url, new / "chat_template.jinja"
            )
        _write_weights(manifest, folder, new / "model.safetensors", report)
        new.replace(out)


def _write_weights(manifest: Manifest, folder: Path, path: Path, report: Report) -> None:
    """safetensors by hand, since the library wants all tensors in memory."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, tensor in manifest.tensors.items():
        begin, end = end, end + 4 * prod(tensor.shape)
        header[their_name(name)] = {
            "dtype": "F32", "shape": list(tensor.shape), "data_offsets": [begin, end],
        }  # fmt: skip
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    done = 0
    with path.open("wb") as stream:
        stream.write(len(text).to_bytes(8, "little") + text)
        for name, tensor in manifest.tensors.items():
            for first, count in slabs(*rows_and_width(tensor.shape)):
                values = read_rows(manifest, folder, name, first, count)
                if not manifest.config.v_norm:
                    values = gemma3.unfold(their_name(name), values, manifest.config)
                stream.write(values.astype("<f4").tobytes())
                done += values.nbytes
                report(name, done, end)


def to_hf_config(manifest: Manifest) -> dict[str, Any]:
    """A config.json of Gemma4ForCausalLM as newer transformers write it, with overrides by layer.

    Of Gemma3ForCausalLM where the weights came from one.
    """
    config = manifest.config
    ropes = {SLIDING: _rope(config.rope_sliding), FULL: _rope(config.rope_full)}
    if not config.v_norm:
        return gemma3.to_hf_config(manifest, ropes)
    base, wide = _intermediate(config)
    overrides: dict[str, dict[str, int]] = {}
    for index, layer in enumerate(config.layers):
        own = {"head_dim": layer.head_dim, "num_key_value_heads": layer.kv_heads}
        if not wide:
            own["intermediate_size"] = layer.intermediate
        overrides[str(index)] = own
    return {
        "architectures": ["Gemma4ForCausalLM"],
        "model_type": "gemma4_text",
        "dtype": "float32",
        "vocab_size": config.vocab,
        "hidden_size": config.hidden,
        "intermediate_size": base,
        "use_double_wide_mlp": wide,
        "num_hidden_layers": len(config.layers),
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.layers[0].kv_heads,
        "head_dim": config.layers[0].head_dim,
        "per_layer_config": overrides,
        "layer_types": [SLIDING if layer.sliding else FULL for layer in config.layers],
        "num_kv_shared_layers": len(config.layers) - config.owners,
        "sliding_window": config.window,
        "max_position_embeddings": config.max_position,
        "rms_norm_eps": config.eps,
        "final_logit_softcapping": config.softcap or None,
        "hidden_size_per_layer_input": config.ple_dim,
        "vocab_size_per_layer_input": config.ple_vocab,
        "tie_word_embeddings": config.tied,
        "rope_parameters": ropes,
        "hidden_activation": "gelu_pytorch_tanh",
        "attention_bias": False,
        "attention_k_eq_v": False,
        "enable_moe_block": False,
        "bos_token_id": config.bos_id,
        "pad_token_id": config.pad_id,
        "eos_token_id": list(manifest.generation.stop_ids),
    }


def _intermediate(config: ModelConfig) -> tuple[int, bool]:
    """The MLP's size, and whether it is doubled just where layers share keys and values."""
    base = config.layers[0].intermediate
    expected = [
        base * (1 if layer.kv_source == index else 2) for index, layer in enumerate(config.layers)
    ]
    shares = config.owners < len(config.layers)
    return base, shares and [layer.intermediate for layer in config.layers] == expected


def _rope(rope: Rope) -> dict[str, Any]:
    if rope.factor != 1.0:
        return {"rope_type": "linear", "rope_theta": rope.theta, "factor": rope.factor}
    if rope.partial == 1.0:
        return {"rope_type": "default", "rope_theta": rope.theta}
    return {
        "rope_type": "proportional",
        "rope_theta": rope.theta,
        "partial_rotary_factor": rope.partial,
    }


def _generation(manifest: Manifest) -> dict[str, Any]:
    given = manifest.generation
    return {
        "do_sample": given.temperature > 0,
        "bos_token_id": manifest.config.bos_id,
        "pad_token_id": manifest.config.pad_id,
        "eos_token_id": list(given.stop_ids),
        "temperature": given.temperature,
        "top_k": given.top_k,
        "top_p": given.top_p,
    }


def _write_json(path: Path, data: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")

"""Gemma 3's weights and config as Gemma 4's graph wants them, and back.

Gemma 3 multiplies by 1 + the weight of a norm, and queries by query_pre_attn_scalar^-0.5: both become
part of the norms' weights. An export takes them out again, with a scalar of its own choice: head_dim.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from gemtab.contracts.gemma3_config import with_defaults
from gemtab.contracts.layer_types import FULL, SLIDING
from gemtab.contracts.manifest import Manifest
from gemtab.contracts.model_config import ModelConfig
from gemtab_build.arrays import Floats


def fold(name: str, values: Floats, raw_config: Mapping[str, Any]) -> Floats:
    """Values of a checkpoint's tensor, as the engine multiplies by them."""
    if not name.endswith("norm.weight"):
        return values
    whole = values + np.float32(1)
    if name.endswith("q_norm.weight"):
        text = with_defaults(raw_config.get("text_config", raw_config))
        whole *= np.float32(text["query_pre_attn_scalar"] ** -0.5)
    return whole


def unfold(name: str, values: Floats, config: ModelConfig) -> Floats:
    """The inverse, for a checkpoint whose query_pre_attn_scalar is the head's size."""
    if not name.endswith("norm.weight"):
        return values
    if name.endswith("q_norm.weight"):
        values = values * np.float32(config.layers[0].head_dim ** 0.5)
    return values - np.float32(1)


def to_hf_config(manifest: Manifest, ropes: Mapping[str, Any]) -> dict[str, Any]:
    """A config.json of Gemma3ForCausalLM, with `ropes` as its rope_parameters."""
    config = manifest.config
    first = config.layers[0]
    return {
        "architectures": ["Gemma3ForCausalLM"],
        "model_type": "gemma3_text",
        "dtype": "float32",
        "vocab_size": config.vocab,
        "hidden_size": config.hidden,
        "intermediate_size": first.intermediate,
        "num_hidden_layers": len(config.layers),
        "num_attention_heads": config.heads,
        "num_key_value_heads": first.kv_heads,
        "head_dim": first.head_dim,
        "query_pre_attn_scalar": first.head_dim,
        "layer_types": [SLIDING if layer.sliding else FULL for layer in config.layers],
        "sliding_window": config.window,
        "max_position_embeddings": config.max_position,
        "rms_norm_eps": config.eps,
        "final_logit_softcapping": config.softcap or None,
        "attn_logit_softcapping": None,
        "tie_word_embeddings": config.tied,
        "rope_parameters": dict(ropes),
        "hidden_activation": "gelu_pytorch_tanh",
        "attention_bias": False,
        "bos_token_id": config.bos_id,
        "pad_token_id": config.pad_id,
        "eos_token_id": list(manifest.generation.stop_ids),
    }

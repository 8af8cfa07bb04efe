"""A Gemma 3 `config.json` in the terms of Gemma 4's: what differs is folded into weights, or left out.

Gemma 3 adds 1 to the weights of its norms and scales queries (both folded by the build tool); its
values have no norm, its layers no scalar and no per-layer inputs.
"""

from collections.abc import Mapping
from typing import Any

from gemtab.contracts.errors import CheckpointError
from gemtab.contracts.layer_types import FULL, SLIDING

GEMMA3 = ("Gemma3ForCausalLM", "Gemma3ForConditionalGeneration")
DEFAULTS: Mapping[str, Any] = {  # what a config may leave out
    "vocab_size": 262_208,
    "hidden_size": 2304,
    "intermediate_size": 9216,
    "num_hidden_layers": 26,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 256,
    "query_pre_attn_scalar": 256,
    "sliding_window": 4096,
}


def with_defaults(text: Mapping[str, Any]) -> dict[str, Any]:
    """A Gemma 3 text config with what it leaves out."""
    return {**DEFAULTS, **text}


def as_gemma4(given: Mapping[str, Any]) -> dict[str, Any]:
    """A Gemma 3 text config as Gemma 4's reader takes it; CheckpointError if it cannot run."""
    text = with_defaults(given)
    if text.get("use_bidirectional_attention"):
        raise CheckpointError(
            "config.json sets use_bidirectional_attention; Gemtab runs causal text models."
        )
    if text.get("attn_logit_softcapping"):
        raise CheckpointError(
            f"config.json sets attn_logit_softcapping {text['attn_logit_softcapping']}; "
            f"Gemtab runs attention without."
        )
    return text | {
        "rope_parameters": _ropes(text),
        "per_layer_config": {},
        "num_kv_shared_layers": 0,
        "hidden_size_per_layer_input": 0,
    }


def _ropes(text: Mapping[str, Any]) -> dict[str, Any]:
    """Rotary parameters by layer type, from the newer layout or the older one, which has one scaling."""
    given = text.get("rope_parameters") or {}
    scaling = text.get("rope_scaling") or {}
    kind = scaling.get("rope_type") or scaling.get("type") or "default"
    full = {"rope_theta": text.get("rope_theta", 1e6), **scaling, "rope_type": kind}
    sliding = {"rope_theta": text.get("rope_local_base_freq", 1e4)}
    return {
        FULL: full | (given.get(FULL) or {}),
        SLIDING: sliding | (given.get(SLIDING) or {}),
    }

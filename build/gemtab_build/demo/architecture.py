"""Sizes of the embedded model: every part of Gemma 4's text decoder, at toy size.

Axes: vocabulary 1536, hidden 128, layers 7 (sliding sliding full sliding full | sliding full), the
two after the bar reuse the K and V of layers 3 and 4 and have the double-wide MLP.
"""

from __future__ import annotations

from typing import Any

VOCABULARY_TOKENS = 1536
HIDDEN = 128
LAYER_TYPES = (
    "sliding_attention",
    "sliding_attention",
    "full_attention",
    "sliding_attention",
    "full_attention",
    "sliding_attention",
    "full_attention",
)
SHARED_LAYERS = 2
HEADS = 4
SLIDING_HEAD_DIM = 32
FULL_HEAD_DIM = 64
INTERMEDIATE = 256
PER_LAYER_DIM = 32
SLIDING_WINDOW = 64
MAX_POSITIONS = 4096
SOFTCAP = 30.0
EPSILON = 1e-6
SLIDING_THETA = 10_000.0
FULL_THETA = 1_000_000.0
FULL_ROTARY_FRACTION = 0.25


def text_config(pad_id: int, eos_id: int, bos_id: int) -> dict[str, Any]:
    """The keyword arguments of transformers' `Gemma4TextConfig`."""
    return {
        "vocab_size": VOCABULARY_TOKENS,
        "vocab_size_per_layer_input": VOCABULARY_TOKENS,
        "hidden_size": HIDDEN,
        "hidden_size_per_layer_input": PER_LAYER_DIM,
        "intermediate_size": INTERMEDIATE,
        "use_double_wide_mlp": True,
        "num_hidden_layers": len(LAYER_TYPES),
        "num_kv_shared_layers": SHARED_LAYERS,
        "layer_types": list(LAYER_TYPES),
        "num_attention_heads": HEADS,
        "num_key_value_heads": 1,
        "head_dim": SLIDING_HEAD_DIM,
        "global_head_dim": FULL_HEAD_DIM,
        "attention_k_eq_v": False,
        "sliding_window": SLIDING_WINDOW,
        "max_position_embeddings": MAX_POSITIONS,
        "final_logit_softcapping": SOFTCAP,
        "rms_norm_eps": EPSILON,
        "tie_word_embeddings": True,
        "rope_parameters": {
            "sliding_attention": {"rope_type": "default", "rope_theta": SLIDING_THETA},
            "full_attention": {
                "rope_type": "proportional",
                "partial_rotary_factor": FULL_ROTARY_FRACTION,
                "rope_theta": FULL_THETA,
            },
        },
        "pad_token_id": pad_id,
        "eos_token_id": eos_id,
        "bos_token_id": bos_id,
        "dtype": "bfloat16",
    }

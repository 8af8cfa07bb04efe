"""Small random models in every shape that the config can express, as numpy arrays by Gemtab's names."""

import numpy as np

from gemtab.contracts.model_config import FULL, SLIDING, ModelConfig, read_model_config
from gemtab.contracts.names import tensor_shapes

BASE = {
    "architectures": ["Gemma4ForCausalLM"],
    "vocab_size": 1031,
    "vocab_size_per_layer_input": 1031,
    "hidden_size": 160,
    "intermediate_size": 96,
    "num_hidden_layers": 7,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "global_head_dim": 64,
    "sliding_window": 24,
    "layer_types": [SLIDING, SLIDING, FULL, SLIDING, SLIDING, FULL, FULL],
    "num_kv_shared_layers": 3,
    "use_double_wide_mlp": True,
    "hidden_size_per_layer_input": 32,
    "final_logit_softcapping": 30.0,
    "max_position_embeddings": 4096,
}
SHAPES = {
    "shared, double-wide, per-layer": {},
    "nothing shared": {"num_kv_shared_layers": 0, "use_double_wide_mlp": False},
    "no per-layer inputs": {"hidden_size_per_layer_input": 0},
    "no softcap, one key head": {"final_logit_softcapping": None, "num_key_value_heads": 1},
    "rows not of whole blocks": {"hidden_size": 84, "intermediate_size": 52, "head_dim": 24},
}
GEMMA3 = {
    "architectures": ["Gemma3ForCausalLM"],
    "rope_scaling": {"rope_type": "linear", "factor": 8.0},
}


def tiny_config(**changes) -> ModelConfig:
    """The base config with some settings changed."""
    return read_model_config({**BASE, **changes})


def tiny_tensors(config: ModelConfig, seed: int = 7) -> dict[str, np.ndarray]:
    """Weights f32 whose activations keep about unit size, and attention logits moderate."""
    rng = np.random.default_rng(seed)
    tensors = {}
    for name, shape in tensor_shapes(config).items():
        if name.endswith("scalar"):
            values = rng.uniform(0.5, 1.0, shape)
        elif name.endswith("k_norm"):
            values = rng.uniform(0.9, 1.1, shape) * shape[0] ** -0.5
        elif len(shape) == 1:
            values = rng.uniform(0.5, 1.5, shape)
        else:
            values = rng.standard_normal(shape) * shape[1] ** -0.5
        tensors[name] = values.astype(np.float32)
    return tensors

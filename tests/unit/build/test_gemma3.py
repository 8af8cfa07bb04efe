"""Gemma 3's config in the terms of Gemma 4's, its norms folded and unfolded."""

import numpy as np
import pytest

from gemtab.contracts.errors import CheckpointError
from gemtab.contracts.model_config import Rope, read_model_config
from gemtab.contracts.names import layer, tensor_shapes
from gemtab_build.checkpoint.gemma3 import fold, unfold

# as small published checkpoints have it
PUBLISHED = {
    "architectures": ["Gemma3ForCausalLM"], "model_type": "gemma3_text", "vocab_size": 262144,
    "hidden_size": 640, "intermediate_size": 2048, "num_hidden_layers": 8,
    "num_attention_heads": 4, "num_key_value_heads": 1, "head_dim": 256, "sliding_window": 512,
    "query_pre_attn_scalar": 256, "rope_theta": 1000000.0, "rope_local_base_freq": 10000.0,
    "rope_scaling": None, "max_position_embeddings": 32768, "rms_norm_eps": 1e-06,
    "attn_logit_softcapping": None, "final_logit_softcapping": None, "attention_bias": False,
    "hidden_activation": "gelu_pytorch_tanh", "bos_token_id": 2, "eos_token_id": 1,
}  # fmt: skip


def test_a_published_config_is_read():
    config = read_model_config(PUBLISHED)
    assert [one.sliding for one in config.layers] == [True] * 5 + [False] + [True] * 2
    assert {one.head_dim for one in config.layers} == {256}
    assert config.owners == 8
    assert (config.v_norm, config.layer_scalar, config.ple_dim) == (False, False, 0)
    assert config.tied
    assert (config.rope_sliding, config.rope_full) == (Rope(1e4), Rope(1e6))
    shapes = tensor_shapes(config)
    assert layer(0, "scalar") not in shapes
    assert layer(7, "k_norm") in shapes


def test_the_text_config_of_one_that_sees_leaves_much_out():
    text = {
        "hidden_size": 2560, "intermediate_size": 10240, "model_type": "gemma3_text",
        "num_hidden_layers": 34, "sliding_window": 1024,
        "rope_scaling": {"factor": 8.0, "rope_type": "linear"},
    }  # fmt: skip
    config = read_model_config(
        {"architectures": ["Gemma3ForConditionalGeneration"], "text_config": text}
    )
    assert (config.vocab, config.heads, config.layers[0].kv_heads) == (262_208, 8, 4)
    assert config.rope_full == Rope(1e6, factor=8.0)
    assert config.rope_sliding == Rope(1e4)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"attn_logit_softcapping": 50.0}, "attn_logit_softcapping"),
        ({"use_bidirectional_attention": True}, "bidirectional"),
        ({"rope_scaling": {"factor": 8.0, "rope_type": "yarn"}}, "yarn"),
        ({"rope_scaling": {"factor": 0.0, "type": "linear"}}, "factor"),
        ({"attention_bias": True}, "attention_bias"),
    ],
)
def test_what_cannot_run_is_refused_by_name(change, word):
    with pytest.raises(CheckpointError, match=word):
        read_model_config(PUBLISHED | change)


def test_norms_are_folded_and_unfolded(rng):
    config = read_model_config(PUBLISHED)
    name = "model.layers.0.{}.weight"
    values = rng.uniform(-1, 1, (1, 256)).astype(np.float32)
    folded = fold(name.format("input_layernorm"), values, PUBLISHED)
    assert np.array_equal(folded, values + 1)
    queries = fold(name.format("self_attn.q_norm"), values, PUBLISHED)
    assert np.array_equal(queries, (values + 1) / 16)
    assert fold(name.format("mlp.gate_proj"), values, PUBLISHED) is values
    for part, made in (("input_layernorm", folded), ("self_attn.q_norm", queries)):
        assert np.allclose(unfold(name.format(part), made, config), values, atol=2**-23)

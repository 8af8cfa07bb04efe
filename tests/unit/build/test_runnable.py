"""`gemtab build` refuses what the engine could not run, by name, and leaves nothing."""

import json

import pytest

from gemtab.contracts.errors import CheckpointError
from gemtab.generate.sampling import GREEDY, choose_sampling
from gemtab_build.artifact import build_artifact
from helpers.toy_checkpoint import write_checkpoint

CONFIGS = {
    "heads whose halves are not read by fours": ({"head_dim": 36}, "head_dim=36"),
    "a full head whose halves are not": ({"global_head_dim": 66}, "layer 1: .*head_dim=66"),
    "heads that share keys unevenly": (
        {"num_attention_heads": 6, "num_key_value_heads": 4},
        "num_attention_heads is 6, .*num_key_value_heads 4",
    ),
    "tokens without a per-layer embedding": (
        {"vocab_size_per_layer_input": 1031},
        "vocab_size_per_layer_input is 1031, less than vocab_size 1543",
    ),
    "head sizes that differ within a kind": (
        {"per_layer_config": {"0": {"head_dim": 32}, "1": {}, "2": {"head_dim": 64}, "3": {}}},
        r"sliding layers the head_dims \[32, 64\]",
    ),
    "no layers": ({"num_hidden_layers": 0, "layer_types": []}, "config.json"),
    "a size of zero": ({"hidden_size": 0}, "hidden_size is 0"),
    "a size that is text": ({"sliding_window": "8"}, "sliding_window is '8'"),
    "a size with a fraction": ({"num_attention_heads": 2.0}, r"num_attention_heads is 2\.0"),
    "a cap that is text": ({"final_logit_softcapping": "30"}, "final_logit_softcapping is '30'"),
    "an eps below zero": ({"rms_norm_eps": -1e-6}, "rms_norm_eps is -1e-06"),
    "a truth that is text": ({"tie_word_embeddings": "yes"}, "tied is 'yes', not bool"),
    "experts": ({"enable_moe_block": True}, "mixture-of-experts"),
    "values that are the keys": ({"attention_k_eq_v": True}, "attention_k_eq_v"),
    "another architecture": ({"architectures": ["LlamaForCausalLM"]}, "'LlamaForCausalLM'"),
    "no architecture": ({"architectures": []}, "architecture None"),
    "another activation": ({"hidden_activation": "silu"}, "hidden_activation 'silu'"),
    "a stop id beyond the vocabulary": ({"eos_token_id": [1, 1543]}, "eos_token_id"),
}


@pytest.mark.parametrize(("changes", "words"), CONFIGS.values(), ids=CONFIGS)
def test_refuses_a_config_by_name(rng, tmp_path, changes, words):
    write_checkpoint(tmp_path / "hf", rng)
    config = tmp_path / "hf" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | changes))

    refuses(tmp_path, words)


GENERATIONS = {
    "an id that the tokenizer lacks": ({"eos_token_id": [1, 1541]}, "eos_token_id .* 1541"),
    "a padding id that the tokenizer lacks": ({"pad_token_id": 1540}, "pad_token_id .* 1540"),
    "more candidates than the GPU keeps": ({"top_k": 1000}, "top_k is from 1 to 256"),
    "a temperature that is none": ({"temperature": -1}, "temperature"),
    "a top_p that is none": ({"top_p": "all"}, "generation_config.json"),
}


@pytest.mark.parametrize(("settings", "words"), GENERATIONS.values(), ids=GENERATIONS)
def test_refuses_a_generation_config_by_name(rng, tmp_path, settings, words):
    write_checkpoint(tmp_path / "hf", rng)
    (tmp_path / "hf" / "generation_config.json").write_text(json.dumps(settings))

    refuses(tmp_path, words)


def test_refuses_a_tokenizer_of_another_model(rng, tmp_path):
    write_checkpoint(tmp_path / "hf", rng, vocab_size=1531, vocab_size_per_layer_input=1531)

    refuses(tmp_path, r"id 1535 \('.+'\), beyond the model's vocab_size of 1531")


def refuses(tmp_path, words):
    with pytest.raises(CheckpointError, match=words) as refusal:
        build_artifact(str(tmp_path / "hf"), tmp_path / "site" / "of" / "it")

    assert "\n" not in str(refusal.value)
    assert [path.name for path in tmp_path.iterdir()] == ["hf"]


def test_a_token_that_no_prompt_can_hold_is_noted(rng, tmp_path):
    """Gemma 3's <image_soft_token> lies one past the vocabulary of its text models."""
    write_checkpoint(tmp_path / "hf", rng)
    tokenizer = tmp_path / "hf" / "tokenizer.json"
    data = json.loads(tokenizer.read_text(encoding="utf-8"))
    extra = {"id": 1543, "content": "<soft>", "special": True}
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    data["added_tokens"].append({**flags, **extra})
    data["model"]["vocab"] |= {f"<filler{i}>": i for i in range(1536, 1543)} | {"<soft>": 1543}
    tokenizer.write_text(json.dumps(data), encoding="utf-8")

    manifest = build_artifact(str(tmp_path / "hf"), tmp_path / "site")

    assert any(note.startswith("<soft> has the id 1543") for note in manifest.notes)
    template = tmp_path / "hf" / "chat_template.jinja"
    template.write_text(template.read_text() + "<soft>")
    with pytest.raises(CheckpointError, match="'<soft>'"):
        build_artifact(str(tmp_path / "hf"), tmp_path / "site")


@pytest.mark.parametrize("key", ["do_sample", "temperature"])
def test_a_model_that_does_not_sample_is_greedy(rng, tmp_path, key):
    write_checkpoint(tmp_path / "hf", rng)
    settings = {"temperature": 0.7, "top_k": 5} | {key: 0 if key == "temperature" else False}
    (tmp_path / "hf" / "generation_config.json").write_text(json.dumps(settings))

    manifest = build_artifact(str(tmp_path / "hf"), tmp_path / "site")

    assert choose_sampling(manifest.generation) == GREEDY
    assert choose_sampling(manifest.generation, temperature=0.5).top_k == 5

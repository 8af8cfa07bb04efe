"""Gemma 3 folded into Gemma 4's graph, against transformers: logits, an export, a chat in its markup."""

import json

import numpy as np
import pytest

from gemtab_build.cli import main
from helpers import transformers_models as hf
from helpers.devices import open_device
from helpers.engines import relative_l2

pytestmark = [pytest.mark.parity, pytest.mark.gpu]
TOKENS = 101  # prime, past the window of 24
CLOSE = 1e-3  # logits nearer than this may swap
BASE = {
    "vocab_size": 1543, "hidden_size": 96, "intermediate_size": 84, "num_hidden_layers": 7,
    "num_attention_heads": 6, "num_key_value_heads": 2, "head_dim": 32, "sliding_window": 24,
    "query_pre_attn_scalar": 24, "sliding_window_pattern": 3, "max_position_embeddings": 4096,
}  # fmt: skip
SHAPES = {
    "the last layer slides": {},
    "full layers scaled": {
        "rope_parameters": {
            "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1e6},
            "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
        }
    },
    "one key head, softcapped": {"num_key_value_heads": 1, "final_logit_softcapping": 30.0},
    "odd heads": {"head_dim": 24, "query_pre_attn_scalar": 37, "num_attention_heads": 4},
}
VISION = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 2,
    "image_size": 28, "patch_size": 14,
}  # fmt: skip
TEMPLATE = """\
{{ bos_token }}{% for message in messages %}<start_of_turn>\
{{ 'model' if message.role == 'assistant' else message.role }}
{{ message.content | trim }}<end_of_turn>
{% endfor %}{% if add_generation_prompt %}<start_of_turn>model
{% endif %}"""


@pytest.fixture(scope="module", autouse=True)
def adapter():
    """Skip where the native executor has none."""
    open_device("naga", frozenset())


@pytest.fixture
def ids(rng):
    return rng.integers(0, BASE["vocab_size"], TOKENS).tolist()


def text_config(**changes):
    return hf.transformers.Gemma3TextConfig(**(BASE | changes))


def with_weights(model):
    """Norms about 1, so weights about 0; activations of unit size."""
    generator = hf.torch.Generator().manual_seed(11)
    with hf.torch.no_grad():
        for name, values in model.named_parameters():
            if "norm" in name:
                values.copy_(hf.torch.rand(values.shape, generator=generator) - 0.5)
            elif "vision" not in name:
                scale = values.shape[-1] ** -0.5
                values.copy_(hf.torch.randn(values.shape, generator=generator) * scale)
    return model.float().eval()


def text_model(**changes):
    return with_weights(hf.transformers.Gemma3ForCausalLM(text_config(**changes)))


def build(checkpoint, out, weights="f32"):
    command = ["build", str(checkpoint), "--out", str(out), "--weights", weights, "--model-only"]
    assert main(command) == 0
    return out


def found_logits(site, ids, *options):
    (site / "ids.json").write_text(json.dumps(ids), encoding="utf-8")
    out = site / "logits.npy"
    command = ["logits", str(site), "--ids", str(site / "ids.json"), "--out", str(out)]
    assert main([*command, "--kv", "f32", *options]) == 0
    return np.load(out)


def is_alike(found, wanted):
    best = np.sort(wanted, axis=1)[:, -2:]
    clear = best[:, 1] - best[:, 0] > CLOSE
    assert relative_l2(found, wanted).max() <= 5e-4
    assert clear.sum() > TOKENS // 2
    assert np.array_equal(found.argmax(1)[clear], wanted.argmax(1)[clear])


@pytest.mark.parametrize("changes", SHAPES.values(), ids=SHAPES)
def test_f32_logits_are_transformers(tmp_path, ids, changes):
    model = text_model(**changes)
    site = build(hf.save(model, tmp_path / "hf"), tmp_path / "site")

    found = found_logits(site, ids, "--chunk", "13")

    is_alike(found, hf.logits_of(model, ids))


def test_bf16_weights_are_folded_in_f32(tmp_path, ids):
    checkpoint = hf.save(text_model().bfloat16(), tmp_path / "hf")
    site = build(checkpoint, tmp_path / "site")
    wanted = hf.logits_of(hf.load(checkpoint, hf.transformers.Gemma3ForCausalLM), ids)

    is_alike(found_logits(site, ids), wanted)


def to_published_layout(folder):
    """Rewrite a saved config as the published ones are: a pattern, two thetas, one scaling."""
    path = folder / "config.json"
    config = json.loads(path.read_text())
    ropes = config.pop("rope_parameters")
    del config["layer_types"]
    full = ropes["full_attention"]
    config |= {
        "sliding_window_pattern": BASE["sliding_window_pattern"],
        "rope_theta": full.pop("rope_theta"),
        "rope_local_base_freq": ropes["sliding_attention"]["rope_theta"],
        "rope_scaling": full if "factor" in full else None,
    }
    path.write_text(json.dumps(config))


@pytest.mark.parametrize("changes", list(SHAPES.values())[:2], ids=list(SHAPES)[:2])
def test_both_layouts_of_the_config_mean_the_same(tmp_path, ids, changes):
    model = text_model(**changes)
    checkpoint = hf.save(model, tmp_path / "hf")
    newer = build(checkpoint, tmp_path / "newer")
    to_published_layout(checkpoint)
    published = build(checkpoint, tmp_path / "published")

    configs = [
        json.loads((site / "model" / "manifest.json").read_text())["config"]
        for site in (newer, published)
    ]
    assert configs[0] == configs[1]
    read = hf.load(checkpoint, hf.transformers.Gemma3ForCausalLM)
    assert np.array_equal(hf.logits_of(read, ids), hf.logits_of(model, ids))


def test_the_language_model_of_one_that_sees_is_run(tmp_path, ids, capsys):
    config = hf.transformers.Gemma3Config(
        text_config=BASE, vision_config=VISION, mm_tokens_per_image=4
    )
    model = with_weights(hf.transformers.Gemma3ForConditionalGeneration(config))
    site = build(hf.save(model, tmp_path / "hf"), tmp_path / "site")

    notes = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note: ")]
    assert len(notes) == 1
    assert "towers" in notes[0]
    is_alike(found_logits(site, ids), hf.logits_of(model, ids))


@pytest.mark.parametrize("changes", SHAPES.values(), ids=SHAPES)
def test_an_export_is_a_gemma_3_with_the_same_logits(tmp_path, ids, changes):
    model = text_model(**changes)
    site = build(hf.save(model, tmp_path / "hf"), tmp_path / "site")
    assert main(["export", str(site), "--out", str(tmp_path / "out")]) == 0

    exported, loading = hf.transformers.Gemma3ForCausalLM.from_pretrained(
        tmp_path / "out", dtype=hf.torch.float32, output_loading_info=True
    )

    assert not any(loading.values()), loading
    error = relative_l2(hf.logits_of(exported.eval(), ids), hf.logits_of(model, ids))
    assert error.max() <= 2e-5  # a norm's weight passes 1 twice, each time rounded


def test_encoded_logits_are_transformers_on_the_exported_weights(tmp_path, ids):
    checkpoint = hf.save(text_model().bfloat16(), tmp_path / "hf")
    site = build(checkpoint, tmp_path / "site", "q4")
    assert main(["export", str(site), "--out", str(tmp_path / "out")]) == 0
    wanted = hf.logits_of(hf.load(tmp_path / "out", hf.transformers.Gemma3ForCausalLM), ids)

    is_alike(found_logits(site, ids), wanted)


def save_conversation(folder, stop_ids):
    """The embedded model's tokenizer with Gemma 3's names for a turn, and a template in its markup."""
    hf.save_conversation(folder)
    text = (folder / "tokenizer.json").read_text(encoding="utf-8")
    text = text.replace("<|turn>", "<start_of_turn>").replace("<turn|>", "<end_of_turn>")
    (folder / "tokenizer.json").write_text(text, encoding="utf-8")
    (folder / "chat_template.jinja").write_text(TEMPLATE, encoding="utf-8")
    generation = {"eos_token_id": stop_ids, "bos_token_id": 2, "pad_token_id": 0}
    (folder / "generation_config.json").write_text(json.dumps(generation))


def test_a_chat_in_gemma_3s_markup(tmp_path, capsys):
    checkpoint = hf.save(text_model(), tmp_path / "hf")
    save_conversation(checkpoint, [1])
    turns = [("user", " Hello "), ("assistant", "Hi."), ("user", "Is <end_of_turn> a token?")]
    messages = [{"role": role, "content": content} for role, content in turns]
    (tmp_path / "m.json").write_text(json.dumps(messages), encoding="utf-8")

    def run(verb, *options):
        capsys.readouterr()
        given = ["--messages", str(tmp_path / "m.json"), *options]
        assert main([verb, str(tmp_path / "site"), *given]) == 0
        return json.loads(capsys.readouterr().out)

    build(checkpoint, tmp_path / "site")
    prompt = run("prompt")
    assert prompt["prompt"] == (
        "<bos><start_of_turn>user\nHello<end_of_turn>\n<start_of_turn>model\nHi.<end_of_turn>\n"
        "<start_of_turn>user\nIs <end_of_turn> a token?<end_of_turn>\n<start_of_turn>model\n"
    )
    end = main(["tokenize", str(tmp_path / "site"), "--text", "<end_of_turn>"]) or json.loads(
        capsys.readouterr().out
    )
    assert len(end) == 1
    assert prompt["ids"].count(end[0]) == 3, "what a user types is text"

    options = ["--kv", "f32", "--temperature", "2", "--seed", "7", "--max-tokens", "7", "--json"]
    reply = run("run", *options)
    assert reply["stop_reason"] == "length"
    assert reply["thinking"] is None
    # something that the model said later, and not before, ends a turn now
    stop = next(i for i in range(1, 7) if reply["ids"][i] not in reply["ids"][:i])
    save_conversation(checkpoint, [1, reply["ids"][stop]])
    build(checkpoint, tmp_path / "site")
    shorter = run("run", *options)
    assert shorter["stop_reason"] == "stop"
    assert shorter["ids"] == reply["ids"][:stop]

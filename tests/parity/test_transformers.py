"""Checkpoints that transformers wrote, through the command: build, logits, run, export, against transformers."""

import json

import numpy as np
import pytest

from gemtab_build.cli import main
from helpers import transformers_models as hf
from helpers.devices import open_device
from helpers.engines import relative_l2
from helpers.tiny_model import SHAPES

pytestmark = [pytest.mark.parity, pytest.mark.gpu]
TOKENS = 101  # prime, past the window of 24
CLOSE = 1e-3  # logits nearer than this may swap
BOUNDS = {"f32": 5e-4, "f16": 2e-2}  # relative L2 by the cache's encoding
PLAIN = {"hidden_size_per_layer_input": 0, "num_kv_shared_layers": 0}
SHAPES = SHAPES | {
    "no per-layer inputs": PLAIN,  # transformers 5.23 fails on these with shared layers
    "odd sizes": {
        "hidden_size": 83, "intermediate_size": 45, "head_dim": 24, "global_head_dim": 40,
        "hidden_size_per_layer_input": 7,
    },
    "a window of one": {"sliding_window": 1},
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def adapter():
    """Skip where the native executor has none."""
    open_device("naga", frozenset())


@pytest.fixture
def ids(rng):
    return rng.integers(0, 1031, TOKENS).tolist()


def build(checkpoint, out, weights="f32"):
    command = ["build", str(checkpoint), "--out", str(out), "--weights", weights, "--model-only"]
    assert main(command) == 0
    return out


def found_logits(site, ids, *options):
    (site / "ids.json").write_text(json.dumps(ids), encoding="utf-8")
    out = site / "logits.npy"
    command = ["logits", str(site), "--ids", str(site / "ids.json"), "--out", str(out), *options]
    assert main(command) == 0
    return np.load(out)


def is_alike(found, wanted, kv="f32"):
    """Every position within the bound, and the same winner where the reference's is clear."""
    best = np.sort(wanted, axis=1)[:, -2:]
    clear = best[:, 1] - best[:, 0] > CLOSE
    assert relative_l2(found, wanted).max() <= BOUNDS[kv]
    if kv == "f32":
        assert clear.sum() > TOKENS // 2
        assert np.array_equal(found.argmax(1)[clear], wanted.argmax(1)[clear])


@pytest.mark.parametrize("changes", SHAPES.values(), ids=SHAPES)
def test_f32_logits_are_transformers(tmp_path, ids, changes):
    model = hf.text_model(**changes)
    site = build(hf.save(model, tmp_path / "hf"), tmp_path / "site")

    found = found_logits(site, ids, "--kv", "f32", "--chunk", "13")

    is_alike(found, hf.logits_of(model, ids))


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A model of the base shape and its site in f32."""
    folder = tmp_path_factory.mktemp("plain")
    model = hf.text_model()
    return model, build(hf.save(model, folder / "hf"), folder / "site")


@pytest.mark.parametrize("chunk", [1, 24, 1000])
def test_the_chunk_changes_nothing(plain, ids, chunk):
    model, site = plain

    found = found_logits(site, ids, "--kv", "f32", "--chunk", str(chunk))

    is_alike(found, hf.logits_of(model, ids))


def test_a_cache_in_f16_stays_near(plain, ids):
    model, site = plain

    is_alike(found_logits(site, ids), hf.logits_of(model, ids), "f16")


def test_towers_are_left_out_and_told(tmp_path, ids, capsys):
    model = hf.model_with_towers()
    checkpoint = hf.save(model, tmp_path / "hf", max_shard_size="200KB")
    assert len(list(checkpoint.glob("*.safetensors"))) > 3

    site = build(checkpoint, tmp_path / "site")

    notes = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note: ")]
    assert len(notes) == 1
    assert "vision and audio towers" in notes[0]
    is_alike(found_logits(site, ids, "--kv", "f32"), hf.logits_of(model, ids))


@pytest.mark.parametrize("make", [hf.text_model, hf.model_with_towers], ids=["text", "towers"])
def test_both_layouts_of_the_config_mean_the_same(tmp_path, ids, make):
    model = make()
    checkpoint = hf.save(model, tmp_path / "hf")
    assert '"per_layer_config"' in (checkpoint / "config.json").read_text()
    newer = build(checkpoint, tmp_path / "newer")
    hf.to_released_layout(checkpoint)

    released = build(checkpoint, tmp_path / "released")

    manifests = [
        json.loads((site / "model/manifest.json").read_text()) for site in (newer, released)
    ]
    assert manifests[0]["config"] == manifests[1]["config"]
    read = hf.load(checkpoint, type(model))
    assert np.array_equal(hf.logits_of(read, ids), hf.logits_of(model, ids))


def test_bf16_weights_are_read_as_they_are(tmp_path, ids):
    checkpoint = hf.save(hf.text_model().bfloat16(), tmp_path / "hf")
    site = build(checkpoint, tmp_path / "site")

    found = found_logits(site, ids, "--kv", "f32")

    is_alike(found, hf.logits_of(hf.load(checkpoint), ids))


@pytest.mark.parametrize("weights", ["q4", "q8", "f16"])
def test_encoded_logits_are_transformers_on_the_exported_weights(tmp_path, ids, weights):
    checkpoint = hf.save(hf.text_model().bfloat16(), tmp_path / "hf")
    site = build(checkpoint, tmp_path / "site", weights)
    assert main(["export", str(site), "--out", str(tmp_path / "out")]) == 0
    wanted = hf.logits_of(hf.load(tmp_path / "out"), ids)

    for kv in BOUNDS:
        is_alike(found_logits(site, ids, "--kv", kv), wanted, kv)


def test_a_greedy_reply_is_what_transformers_generates(tmp_path, capsys):
    model = hf.text_model(vocab_size=1543, vocab_size_per_layer_input=1543, eos_token_id=0)
    checkpoint = hf.save(model, tmp_path / "hf")
    hf.save_conversation(checkpoint)
    site = build(checkpoint, tmp_path / "site")
    messages = [{"role": "user", "content": "Tell me all there is. " * 20}]
    (tmp_path / "m.json").write_text(json.dumps(messages), encoding="utf-8")
    command = [str(site), "--messages", str(tmp_path / "m.json")]
    options = ["--kv", "f32", "--max-tokens", "64", "--json"]
    capsys.readouterr()
    assert main(["prompt", *command]) == 0
    prompt = json.loads(capsys.readouterr().out)["ids"]
    assert main(["run", *command, *options, "--greedy"]) == 0
    greedy = json.loads(capsys.readouterr().out)
    short = ["--max-tokens", "5", "--temperature", "0", "--seed", "7"]
    assert main(["run", *command, *options, *short]) == 0
    cold = json.loads(capsys.readouterr().out)

    wanted, clear = generate(model, prompt, 64)
    assert len(prompt) > 100
    assert clear >= 32
    assert len(greedy["ids"]) == 64
    assert greedy["stop_reason"] == "length"
    assert greedy["ids"][:clear] == wanted[:clear]
    assert cold["ids"] == wanted[:5]


def generate(model, prompt, count):
    """What transformers adds to a prompt, and up to which step its winner is clear."""
    out = model.generate(
        hf.torch.tensor([prompt]), do_sample=False, max_new_tokens=count, min_new_tokens=count,
        output_logits=True, return_dict_in_generate=True,
    )  # fmt: skip
    best = hf.torch.cat(out.logits).topk(2).values
    near = (best[:, 0] - best[:, 1] <= CLOSE).nonzero()
    ids = out.sequences[0, len(prompt) :].tolist()
    return ids, int(near[0]) if len(near) else count

"""A packed checkpoint through build, inspect, verify and export: bit for bit, or refused by name."""

import json

import numpy as np
import pytest

from gemtab.contracts.errors import CheckpointError, UsageError
from gemtab.contracts.names import HEAD, PLE_EMBED, PLE_PROJECTION
from gemtab_build.artifact import build_artifact, open_artifact
from gemtab_build.checkpoint.rename import their_name
from gemtab_build.checkpoint.stored import open_checkpoint
from gemtab_build.cli import main
from gemtab_build.inspect_model import inspect
from gemtab_build.verify import verify_artifact
from gemtab_build.weights.read_tensors import read_rows
from helpers.packed_checkpoint import save, write_packed
from helpers.srq import SrqLinear


@pytest.fixture
def model(tmp_path):
    return write_packed(tmp_path / "hf")


def build(tmp_path, weights="auto"):
    return build_artifact(str(tmp_path / "hf"), tmp_path / "site", weights)


def planes(manifest, folder, name):
    """A tensor's planes as they lie in the shards."""
    found = {}
    for piece in manifest.tensors[name].pieces:
        source = manifest.sources[piece.source]
        data = (folder / source.url).read_bytes()[piece.offset : piece.offset + piece.bytes]
        found[piece.plane] = found.get(piece.plane, b"") + data
    return found


@pytest.mark.parametrize("nested", [False, True])
def test_codes_and_scales_are_the_checkpoints_bytes(tmp_path, nested):
    model = write_packed(tmp_path / "hf", nested)
    build(tmp_path)
    manifest, folder = open_artifact(tmp_path / "site")
    verify_artifact(manifest, folder)
    prefix = "model.language_model" if nested else "model"
    copied = 0
    for ours, tensor in manifest.tensors.items():
        base = their_name(ours).replace("model", prefix, 1).removesuffix(".weight")
        scales = model.stored.get(
            f"{base}.weight_scale", model.stored.get(f"{base}.embedding_scale")
        )
        if scales is None:
            continue
        codes = model.stored.get(f"{base}.embedding_quantized", model.stored.get(f"{base}.weight"))
        wanted = {"codes": codes.tobytes(), "scales": scales.tobytes()}
        assert planes(manifest, folder, ours) == wanted, ours
        if f"{base}.input_activation_scale" in model.stored:
            steps = [
                model.stored[f"{base}.{side}_activation_scale"] for side in ("input", "output")
            ]
            assert np.array_equal(np.array(tensor.srq, np.float32), steps)
        copied += 1
    assert copied == 2 + 1 + 5 * 7 + 3 * 2  # tables, head, what each layer has, k and v of owners
    assert manifest.weights == "packed"
    left_out = ["left out: 2 tensors of the vision and audio towers"] if nested else []
    assert list(manifest.notes) == left_out


def test_each_part_has_its_encoding_and_an_unpacked_one_stays_exact(tmp_path, model):
    manifest = build(tmp_path)
    encodings = {name: tensor.encoding for name, tensor in manifest.tensors.items()}
    assert encodings[HEAD] == encodings["embed"] == "w2"
    assert encodings[PLE_EMBED] == "w4/5"
    assert encodings["layers.0.q"] == encodings["layers.2.up"] == "w4"
    assert encodings["layers.3.up"] == "w2"
    assert encodings["layers.4.ple_out"] == "w8"
    assert manifest.tensors["embed"].srq is None
    facts = inspect(str(tmp_path / "hf"))
    assert {name: tensor["encoding"] for name, tensor in facts["tensors"].items()} == encodings
    assert encodings[PLE_PROJECTION] == "bf16"
    stored = model.stored[their_name(PLE_PROJECTION)]
    values = (stored.astype(np.uint32) << 16).view(np.float32)
    found = read_rows(*open_artifact(tmp_path / "site"), PLE_PROJECTION, 0, len(values))
    assert np.array_equal(found, values)


def test_an_export_holds_the_values_and_says_what_it_lacks(tmp_path, model, capsys):
    build(tmp_path)
    out = tmp_path / "back"
    assert main(["export", str(tmp_path / "site"), "--out", str(out)]) == 0
    assert "(SRQ)" in capsys.readouterr().err
    back = open_checkpoint(out)
    for ours, tensor in model.tensors.items():
        values = tensor.values if isinstance(tensor, SrqLinear) else tensor
        rows = len(values) if values.ndim == 2 else 1
        found = back.rows(their_name(ours), 0, rows).reshape(values.shape)
        assert np.array_equal(found, values.astype(np.float32)), ours


@pytest.mark.usefixtures("model")
def test_a_packed_checkpoint_is_not_packed_again(tmp_path):
    for weights in ("q4", "f32"):
        with pytest.raises(UsageError, match=f"--weights {weights}: this checkpoint comes packed"):
            build(tmp_path, weights)
    assert not (tmp_path / "site").exists()


def test_steps_that_are_not_there_round_nothing(tmp_path, model):
    base = "model.layers.0.self_attn."
    for name in ("q_proj.input", "q_proj.output", "o_proj.input"):
        del model.stored[f"{base}{name}_activation_scale"]
    save(tmp_path / "hf" / "model.safetensors", model.stored)
    tensors = build(tmp_path).tensors
    assert tensors["layers.0.q"].srq is None
    assert tensors["layers.0.o"].srq == (0.0, model.tensors["layers.0.o"].steps[1])


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("self_attn.q_proj.weight_scale", lambda _: None, "must be F32 .* found nothing"),
        ("self_attn.q_proj.weight_scale", lambda a: a[:-1], r"must be F32 \[192, …\], found F32"),
        ("self_attn.q_proj.weight_scale", lambda a: a * np.nan, "not finite"),
        ("self_attn.q_proj.weight_scale", lambda a: np.repeat(a, 2, 1), "one scale a row"),
        ("mlp.up_proj.weight", lambda a: a[:, :-4], r"\[96, 76\] in U8: not the \[96, 160\]"),
        ("mlp.up_proj.weight", lambda a: a.astype(np.int8), "in I8"),
        ("mlp.up_proj.output_activation_scale", lambda a: a * np.inf, "inf, not a finite number"),
    ],
)
def test_what_is_amiss_is_named(tmp_path, model, name, change, words):
    name = f"model.layers.1.{name}"
    changed = change(model.stored.pop(name))
    if changed is not None:
        model.stored[name] = np.ascontiguousarray(changed, changed.dtype)
    save(tmp_path / "hf" / "model.safetensors", model.stored)
    with pytest.raises(CheckpointError, match=f"layers.1.*{words}"):
        build(tmp_path)


def test_rows_that_do_not_fill_words_are_named(tmp_path):
    write_packed(tmp_path / "hf", intermediate_size=100)
    with pytest.raises(CheckpointError, match=r"down_proj.* w4 takes .* multiples of 8 .* 100"):
        build(tmp_path)


@pytest.mark.usefixtures("model")
def test_another_quantization_is_refused(tmp_path):
    path = tmp_path / "hf" / "config.json"
    config = json.loads(path.read_text())
    config["quantization_config"]["quant_method"] = "gptq"
    path.write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="names the quantization 'gptq'"):
        build(tmp_path)

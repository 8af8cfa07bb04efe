"""From a checkpoint to an artifact and back, and what bad input leaves behind: nothing."""

import json

import numpy as np
import pytest

from gemtab.contracts.errors import ArtifactError, CheckpointError
from gemtab.contracts.names import tensor_shapes
from gemtab_build.artifact import build_artifact, open_artifact
from gemtab_build.checkpoint.rename import our_name
from gemtab_build.checkpoint.stored import open_checkpoint
from gemtab_build.export import export_checkpoint
from gemtab_build.verify import verify_artifact
from gemtab_build.weights import encode_tensors
from gemtab_build.weights.encode_tensors import slabs
from gemtab_build.weights.quantize import decode, encode
from helpers.toy_checkpoint import write_checkpoint, write_weights


@pytest.fixture
def small_slabs(monkeypatch):
    monkeypatch.setattr(encode_tensors, "SLAB_VALUES", 4096)


@pytest.mark.usefixtures("small_slabs")
@pytest.mark.parametrize("weights", ["f32", "f16", "q8", "q4"])
def test_an_export_holds_what_each_encoding_keeps(rng, tmp_path, weights):
    values = write_checkpoint(tmp_path / "hf", rng)
    build_artifact(str(tmp_path / "hf"), tmp_path / "site", weights)
    manifest, folder = open_artifact(tmp_path / "site")
    verify_artifact(manifest, folder)
    export_checkpoint(manifest, folder, tmp_path / "back")
    back = open_checkpoint(tmp_path / "back")
    assert back.config == open_checkpoint(tmp_path / "hf").config
    assert set(back.tensors) == set(values)
    for name, array in values.items():
        rows = array.reshape(1, -1) if array.ndim == 1 else array
        encoding = manifest.tensors[our_name(name)].encoding
        kept = decode(encode(rows, encoding, search=True), encoding, *rows.shape)
        assert np.array_equal(back.rows(name, 0, len(rows)), kept), name


@pytest.mark.usefixtures("small_slabs")
def test_pieces_lie_on_words_and_files_are_named_by_their_hash(rng, tmp_path):
    write_checkpoint(tmp_path / "hf", rng)
    manifest = build_artifact(str(tmp_path / "hf"), tmp_path / "site")
    assert manifest.weights == "q4"
    assert len(manifest.tensors["embed"].pieces) > 2
    pieces = [piece for tensor in manifest.tensors.values() for piece in tensor.pieces]
    assert all(piece.offset % 4 == 0 and piece.bytes % 4 == 0 for piece in pieces)
    assert all(source.url == f"{source.sha256[:16]}.bin" for source in manifest.sources)
    assert manifest.generation.stop_ids == (1, 106)
    assert set(manifest.tensors) == set(tensor_shapes(manifest.config))
    assert any("ple_out" in note for note in manifest.notes)


def test_slabs_cover_all_rows_in_steps_of_eight():
    found = list(slabs(1031, 3 << 20))
    assert sum(count for _, count in found) == 1031
    assert all(first % 8 == 0 for first, _ in found)


@pytest.mark.parametrize("dtype", ["BF16", "F16", "F32", "F64"])
def test_every_dtype_is_read(rng, tmp_path, dtype):
    write_checkpoint(tmp_path / "hf", rng)
    array = rng.standard_normal((9, 5)).astype(np.float32)
    stored = write_weights(tmp_path / "hf" / "model.safetensors", {"a": array}, dtype)["a"]
    found = open_checkpoint(tmp_path / "hf").rows("a", 2, 4)
    assert found.dtype == np.float32
    assert np.array_equal(found, stored[2:6])


def test_an_index_and_names_with_the_longer_prefix_are_read(rng, tmp_path):
    values = write_checkpoint(tmp_path / "hf", rng)
    (tmp_path / "hf" / "model.safetensors").unlink()
    names = {"model.language_model." + n.removeprefix("model."): v for n, v in values.items()}
    names["model.vision_tower.x"] = values["model.norm.weight"]
    names["model.language_model.layers.2.self_attn.k_norm.weight"] = values["model.norm.weight"]
    names["odd"] = values["model.norm.weight"]
    half = len(names) // 2
    for number, part in enumerate((list(names)[:half], list(names)[half:])):
        write_weights(tmp_path / "hf" / f"{number}.safetensors", {n: names[n] for n in part})
    weight_map = {n: f"{int(i >= half)}.safetensors" for i, n in enumerate(names)}
    index = tmp_path / "hf" / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": weight_map}))
    manifest = build_artifact(str(tmp_path / "hf"), tmp_path / "site", "f32")
    assert manifest.notes == (
        "left out: 1 tensors of the vision and audio towers",
        "left out: odd, which Gemtab does not know",
    )


def test_a_truncated_file_leaves_nothing_and_spares_what_was_there(rng, tmp_path):
    write_checkpoint(tmp_path / "hf", rng)
    build_artifact(str(tmp_path / "hf"), tmp_path / "good")
    weights = tmp_path / "hf" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    for out in ("good", "new"):
        with pytest.raises(CheckpointError, match="is cut off"):
            build_artifact(str(tmp_path / "hf"), tmp_path / out)
    assert {path.name for path in tmp_path.iterdir()} == {"hf", "good"}
    verify_artifact(*open_artifact(tmp_path / "good"))


def test_a_failure_while_writing_leaves_nothing(rng, tmp_path):
    values = write_checkpoint(tmp_path / "hf", rng)
    values["model.norm.weight"][3] = np.nan
    write_weights(tmp_path / "hf" / "model.safetensors", values)
    with pytest.raises(CheckpointError, match=r"model\.norm\.weight .* not finite"):
        build_artifact(str(tmp_path / "hf"), tmp_path / "site")
    assert {path.name for path in tmp_path.iterdir()} == {"hf"}


def test_values_too_large_for_f16_stay_f32(rng, tmp_path):
    values = write_checkpoint(tmp_path / "hf", rng)
    values["model.embed_tokens.weight"][1030, 5] = 1e6
    write_weights(tmp_path / "hf" / "model.safetensors", values)
    manifest = build_artifact(str(tmp_path / "hf"), tmp_path / "site", "f16")
    assert manifest.tensors["embed"].encoding == "f32"
    assert any(note.startswith("embed: kept as f32") for note in manifest.notes)


def test_damage_is_found(rng, tmp_path):
    write_checkpoint(tmp_path / "hf", rng)
    build_artifact(str(tmp_path / "hf"), tmp_path / "site")
    manifest, folder = open_artifact(tmp_path / "site" / "model")
    shard = folder / manifest.sources[0].url
    data = bytearray(shard.read_bytes())
    data[77] ^= 1
    shard.write_bytes(data)
    with pytest.raises(ArtifactError, match="SHA-256"):
        verify_artifact(manifest, folder)
    shard.write_bytes(data[:-4])
    with pytest.raises(ArtifactError, match="ends 4 bytes before"):
        verify_artifact(manifest, folder)

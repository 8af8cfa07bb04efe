"""A packed checkpoint built with --weights-at: byte ranges of its own files, and nothing twice."""

import hashlib
import json
import shutil

import numpy as np
import pytest

from gemtab.contracts.names import PLE_EMBED, tensor_shapes
from gemtab.contracts.placement import rows_and_width
from gemtab_build.artifact import open_artifact
from gemtab_build.cli import main
from gemtab_build.weights import upstream
from gemtab_build.weights.read_tensors import read_rows
from helpers.packed_checkpoint import save, write_packed

URL = "https://weights.test/mobile model"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A checkpoint in hf, its files again where verbs look for them, and what is built without URL."""
    folder = tmp_path_factory.mktemp("upstream")
    write_packed(folder / "hf", nested=True)
    shutil.copytree(folder / "hf", folder / "site-weights")
    assert build(folder, "whole") == 0
    return folder


def build(folder, out, *options):
    return main(["build", str(folder / "hf"), "--out", str(folder / out), "--model-only", *options])


def weights(site):
    """Every tensor of an artifact."""
    manifest, place = open_artifact(site)
    return {
        name: read_rows(manifest, place, name, 0, rows_and_width(shape)[0])
        for name, shape in tensor_shapes(manifest.config).items()
    }


def test_ranges_of_the_published_file_are_the_weights(folder, capsys):
    assert build(folder, "site", "--weights-at", URL) == 0
    manifest, place = open_artifact(folder / "site")
    assert f"read from {URL}" in capsys.readouterr().out

    whole = weights(folder / "whole")
    for name, values in weights(folder / "site").items():
        assert np.array_equal(values, whole[name]), name
    assert main(["verify", str(folder / "site")]) == 0
    published = (folder / "hf/model.safetensors").read_bytes()
    there = [source for source in manifest.sources if "://" in source.url]
    for source in there:
        assert source.url == f"{URL}/model.safetensors"
        part = published[source.offset : source.offset + source.bytes]
        assert hashlib.sha256(part).hexdigest() == source.sha256
    here = sum(path.stat().st_size for path in place.glob("*.bin"))
    vectors = sum(
        4 * n
        for shape in tensor_shapes(manifest.config).values()
        for n in shape[1:] or shape
        if len(shape) == 1
    )
    tokenizer = manifest.files["tokenizer"].bytes
    assert here == vectors + tokenizer, "only vectors are copied"
    needed = sum(piece.bytes for tensor in manifest.tensors.values() for piece in tensor.pieces)
    assert sum(source.bytes for source in manifest.sources) < 1.1 * needed


def test_the_table_comes_last_and_alone(folder):
    build(folder, "last", "--weights-at", URL)
    manifest, _ = open_artifact(folder / "last")
    table = {piece.source for piece in manifest.tensors[PLE_EMBED].pieces}
    others = {
        piece.source
        for name, tensor in manifest.tensors.items()
        if name != PLE_EMBED
        for piece in tensor.pieces
    }
    assert min(table) > max(others)


def test_planes_beyond_the_size_of_a_source_are_cut_at_rows(folder, monkeypatch):
    monkeypatch.setattr(upstream, "MAX_SOURCE_BYTES", 9000)
    monkeypatch.setattr(upstream, "GAP_BYTES", 0)
    shutil.copytree(folder / "site-weights", folder / "small-weights")
    build(folder, "small", "--weights-at", URL)

    manifest, _ = open_artifact(folder / "small")
    there = [source.bytes for source in manifest.sources if "://" in source.url]
    assert max(there) <= 9000
    assert sum(there) == sum(
        piece.bytes
        for tensor in manifest.tensors.values()
        for piece in tensor.pieces
        if "://" in manifest.sources[piece.source].url
    ), "without gaps nothing is fetched that is not wanted"
    whole = weights(folder / "whole")
    for name, values in weights(folder / "small").items():
        assert np.array_equal(values, whole[name]), name


def test_a_checkpoint_of_several_files_is_read_from_all(tmp_path, capsys):
    model = write_packed(tmp_path / "hf")
    halves = [dict(list(model.stored.items())[start::2]) for start in (0, 1)]
    names = ["model-1.safetensors", "model-2.safetensors"]
    (tmp_path / "hf/model.safetensors").unlink()
    for name, half in zip(names, halves, strict=True):
        save(tmp_path / "hf" / name, half)
    index = {key: name for name, half in zip(names, halves, strict=True) for key in half}
    (tmp_path / "hf/model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))
    shutil.copytree(tmp_path / "hf", tmp_path / "site-weights")
    assert build(tmp_path, "site", "--weights-at", "https://weights.test/") == 0
    manifest, _ = open_artifact(tmp_path / "site")

    found = {source.url for source in manifest.sources if "://" in source.url}
    assert found == {f"https://weights.test/{name}" for name in names}
    assert main(["verify", str(tmp_path / "site")]) == 0

    one = "https://weights.test/model-1.safetensors"
    capsys.readouterr()
    assert build(tmp_path, "other", "--weights-at", one) == 2
    assert "the checkpoint has 2" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


def test_the_address_of_the_file_itself_will_do(folder):
    address = "https://weights.test/e2b/renamed.safetensors"
    assert build(folder, "file", "--weights-at", address) == 0
    manifest, _ = open_artifact(folder / "file")
    assert {s.url for s in manifest.sources if "://" in s.url} == {address}

"""The synthetic E2B: the published file's names, shapes and size, and each form small, built and read."""

import json

import numpy as np
import pytest
from safetensors import safe_open
from tokenizers import Tokenizer as Reference

from gemtab.contracts.names import tensor_shapes
from gemtab.contracts.placement import rows_and_width
from gemtab.text.tokenizer import Tokenizer
from gemtab.text.vocabulary import write_vocabulary
from gemtab_build.artifact import build_artifact, open_artifact
from gemtab_build.checkpoint.rename import match_tensors
from gemtab_build.checkpoint.stored import open_checkpoint
from gemtab_build.verify import verify_artifact
from gemtab_build.vocabulary.tokenizer_file import read_tokenizer_json
from gemtab_build.weights.read_tensors import read_rows
from helpers import reference
from helpers.e2b_forms import FORMS, stored_tensors
from helpers.e2b_tokenizer import tokenizer_json
from helpers.synthetic_e2b import REAL_CONFIG, SMALL, header, write

TURN = "<bos><|turn>user\nHello<turn|>\n<|turn>model\n"


def published():
    if not REAL_CONFIG.is_file():
        pytest.skip(f"the model's config.json is not at {REAL_CONFIG}")
    return json.loads(REAL_CONFIG.read_text())


def artifact_tensors(folder):
    """All weights of an artifact, as what they stand for."""
    manifest, place = open_artifact(folder)
    shapes = tensor_shapes(manifest.config)
    return manifest, {
        name: read_rows(manifest, place, name, 0, rows_and_width(shape)[0]).reshape(shape)
        for name, shape in shapes.items()
    }


def test_the_bf16_form_has_the_published_size_to_the_byte():
    tensors = stored_tensors("bf16", published())
    assert len(tensors) == 2011
    size = len(header(tensors)) + sum(tensor.size for tensor in tensors.values())
    assert size == 10_246_621_918


def test_the_mobile_form_has_about_the_published_size():
    tensors = stored_tensors("mobile", published())
    size = len(header(tensors)) + sum(tensor.size for tensor in tensors.values())
    assert abs(size / 2_458_111_846 - 1) < 0.02


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_built_and_gives_logits_that_differ(tmp_path, rng, form):
    write(form, tmp_path / "hf", SMALL)
    wanted = stored_tensors(form, SMALL)
    with safe_open(tmp_path / "hf" / "model.safetensors", "np") as file:
        assert set(file.keys()) == set(wanted)
        for name, tensor in wanted.items():
            entry = file.get_slice(name)
            assert (entry.get_dtype(), tuple(entry.get_shape())) == (tensor.dtype, tensor.shape)
    build_artifact(str(tmp_path / "hf"), tmp_path / "site")
    verify_artifact(*open_artifact(tmp_path / "site"))
    manifest, tensors = artifact_tensors(tmp_path / "site")
    assert manifest.weights == ("packed" if form == "mobile" else "q4")
    assert manifest.generation.stop_ids == (1, 106, 50)

    ids = rng.integers(0, manifest.config.vocab, 53)
    logits = reference.logits(manifest.config, tensors, ids)
    assert np.isfinite(logits).all()
    assert len(set(logits.argmax(1))) > len(ids) // 3


@pytest.mark.slow
def test_what_lies_on_the_grid_of_q4_comes_back_bit_for_bit(tmp_path):
    write("qat-q4_0", tmp_path / "hf", SMALL)
    build_artifact(str(tmp_path / "hf"), tmp_path / "site", "q4")
    manifest, tensors = artifact_tensors(tmp_path / "site")
    checkpoint = open_checkpoint(tmp_path / "hf")
    names, _ = match_tensors(checkpoint.tensors, checkpoint.config)
    gridded = [name for name, tensor in manifest.tensors.items() if tensor.encoding == "q4"]
    assert len(gridded) > 50
    for name in gridded:
        stored = checkpoint.rows(names[name], 0, len(tensors[name]))
        assert np.array_equal(tensors[name], stored), name
        assert len(np.unique(stored, axis=0)) == len(stored), "rows are not alike"


@pytest.mark.parametrize("size", [2048, pytest.param(262_144, marks=pytest.mark.slow)])
def test_the_tokenizer_has_gemmas_form_and_ids(size):
    text = tokenizer_json(SMALL | {"text_config": {"vocab_size": size}})
    wanted = Reference.from_str(text)
    assert wanted.get_vocab_size() == size
    vocabulary = read_tokenizer_json(text)
    assert vocabulary.implied_merges
    found = Tokenizer.from_bytes(write_vocabulary(vocabulary))
    mixed = "Hello, <|turn>user: Otto adds 17 and 5.\n\n  приветы \U0001f30b<turn|>"
    for prompt in (TURN, mixed):
        assert found.encode(prompt) == wanted.encode(prompt, add_special_tokens=False).ids
    if size == 262_144:
        assert found.encode(TURN) == [2, 105, 2364, 107, 9259, 106, 107, 105, 4368, 107]

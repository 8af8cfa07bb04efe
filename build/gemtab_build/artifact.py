"""A checkpoint into an artifact, and an artifact opened again."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

from gemtab.contracts.errors import UsageError
from gemtab.contracts.manifest import File, Manifest
from gemtab.contracts.quantization import WEIGHT_ENCODINGS
from gemtab.plan.needs import needs
from gemtab.text.vocabulary import write_vocabulary
from gemtab.weights.files import FileArtifact
from gemtab_build.checkpoint.describe import (
    read_chat_template,
    read_generation,
    read_named_ids,
    read_special_tokens,
)
from gemtab_build.checkpoint.model_source import ModelSource, find_model
from gemtab_build.checkpoint.packed import choose_weights, find_packed
from gemtab_build.checkpoint.rename import match_tensors
from gemtab_build.checkpoint.runnable import check_config, check_vocabulary
from gemtab_build.checkpoint.stored import open_checkpoint
from gemtab_build.progress import Report
from gemtab_build.site.replacing import MODEL, replacing
from gemtab_build.vocabulary.tokenizer_file import read_tokenizer_file
from gemtab_build.weights.encode_tensors import write_tensors
from gemtab_build.weights.quantize import SEARCHED, Rounding
from gemtab_build.weights.upstream import point_upstream, upstream_encodings
from gemtab_build.weights.weights_at import check_folder

Extra = Callable[[Manifest], Mapping[str, tuple[str, bytes]]]  # key: (suffix of its name, content)


def build_artifact(model: str, out: Path, weights: str = "auto") -> Manifest:
    """Write OUT/model from a checkpoint, without shaders: whole, or nothing and OUT as it was."""
    with replacing(out) as new:
        return write_artifact(find_model(model), new / MODEL, weights)


def write_artifact(
    source: ModelSource,
    place: Path,
    weights: str = "auto",
    report: Report = lambda *_: None,
    extra: Extra = lambda _: {},
    rounding: Rounding = SEARCHED,
    weights_at: str | None = None,
) -> Manifest:
    """Write the new folder PLACE from a checkpoint. `extra` makes files once the manifest is known.

    The matrices of a packed checkpoint stay in its files at the address `weights_at`, where one is given.
    """
    if weights not in ("auto", *WEIGHT_ENCODINGS):
        raise UsageError(f"--weights {weights}: choose auto, {', '.join(WEIGHT_ENCODINGS)}.")
    checkpoint = open_checkpoint(source.folder)
    check_config(checkpoint.config)
    names, notes = match_tensors(checkpoint.tensors, checkpoint.config)
    packed = find_packed(checkpoint, names)
    wanted = choose_weights(weights, packed)
    if weights_at and not packed:
        check_folder(weights_at)
    generation = read_generation(checkpoint)
    template = read_chat_template(source.folder)
    vocabulary = read_tokenizer_file(source.folder)
    named = {"eos_token_id": generation.stop_ids, **read_named_ids(source.folder)}
    notes += check_vocabulary(vocabulary, checkpoint.config.vocab, named, template or "")
    small = {"tokenizer": ("bin", write_vocabulary(vocabulary))}
    if template is not None:
        small["chat_template"] = ("jinja", template.encode())
    place.mkdir(parents=True)
    files = {key: _write(place, key, *content) for key, content in small.items()}
    remote = upstream_encodings(checkpoint, names, packed) if packed and weights_at else {}
    here = {ours: theirs for ours, theirs in names.items() if ours not in remote}
    sources, tensors, more = write_tensors(
        checkpoint, here, packed, wanted, place, report, rounding
    )
    if remote and weights_at:
        there = point_upstream(checkpoint, names, packed, weights_at, len(sources), report)
        sources, tensors = (*sources, *there[0]), tensors | there[1]
    manifest = Manifest(
        model=source.name,
        weights=wanted,
        config=checkpoint.config,
        generation=generation,
        special_tokens=read_special_tokens(source.folder),
        sources=sources,
        tensors=tensors,
        files=files,
        notes=(*source.notes, *notes, *more),
        needs=needs(checkpoint.config, tensors),
    )
    for key, content in extra(manifest).items():
        files[key] = _write(place, key, *content)
    (place / "manifest.json").write_text(manifest.to_json(), encoding="utf-8")
    return manifest


def _write(folder: Path, key: str, suffix: str, data: bytes) -> File:
    digest = hashlib.sha256(data).hexdigest()
    url = f"{key}.{digest[:16]}.{suffix}"
    (folder / url).write_bytes(data)
    return File(url, len(data), digest)


def open_artifact(folder: Path) -> tuple[Manifest, Path]:
    """The manifest of a built site and the folder it lies in; the `model` folder itself will do."""
    artifact = FileArtifact(folder)
    return artifact.manifest, artifact.folder

"""A checkpoint into an artifact, and an artifact opened again.

All is written to a folder beside the last place and moved there when it is whole, so that bad input
or a full disk leaves nothing behind and never harms an artifact that was good.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from gemtab.contracts.errors import UsageError
from gemtab.contracts.manifest import File, Manifest
from gemtab.contracts.quantization import WEIGHT_ENCODINGS
from gemtab.weights.files import FileArtifact
from gemtab_build.checkpoint import open_checkpoint
from gemtab_build.describe import read_chat_template, read_generation, read_special_tokens
from gemtab_build.encode_tensors import Report, write_tensors
from gemtab_build.rename import match_tensors
from gemtab_build.vocabulary import pack_vocabulary

DEMO = Path(__file__).parent / "demo" / "checkpoint"
Extra = Callable[[Manifest], Mapping[str, tuple[str, bytes]]]  # key: (suffix of its name, content)


def model_folder(model: str) -> Path:
    """The checkpoint's folder that MODEL means."""
    if model == "demo":
        return DEMO
    folder = Path(model)
    if not folder.is_dir():
        raise UsageError(
            f"{model} is no folder. Give a checkpoint's folder or 'demo'; Hub ids come later, not yet."
        )
    return folder


def build_artifact(
    model: str,
    out: Path,
    weights: str = "auto",
    report: Report = lambda *_: None,
    extra: Extra = lambda _: {},
) -> Manifest:
    """Write OUT/model from a checkpoint. `extra` makes further files once the manifest is known."""
    wanted = "q4" if weights == "auto" else weights
    if wanted not in WEIGHT_ENCODINGS:
        raise UsageError(f"--weights {weights}: choose auto, {', '.join(WEIGHT_ENCODINGS)}.")
    folder = model_folder(model)
    checkpoint = open_checkpoint(folder)
    names, notes = match_tensors(checkpoint.tensors, checkpoint.config)
    generation = read_generation(checkpoint)
    template = read_chat_template(folder)
    small = {"tokenizer": ("bin", pack_vocabulary(folder))}
    if template is not None:
        small["chat_template"] = ("jinja", template.encode())
    with replacing(out) as place:
        files = {key: _write(place, key, *content) for key, content in small.items()}
        sources, tensors, more = write_tensors(checkpoint, names, wanted, place, report)
        manifest = Manifest(
            model="gemtab-demo" if model == "demo" else folder.resolve().name,
            weights=wanted,
            config=checkpoint.config,
            generation=generation,
            special_tokens=read_special_tokens(folder),
            sources=sources,
            tensors=tensors,
            files=files,
            notes=(*notes, *more),
        )
        for key, content in extra(manifest).items():
            files[key] = _write(place, key, *content)
        (place / "manifest.json").write_text(manifest.to_json(), encoding="utf-8")
    return manifest


@contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """A new folder that becomes OUT/model when the block ends well; removed when it does not."""
    place = out / "model"
    if (out.exists() and not out.is_dir()) or (
        place.exists() and not (place / "manifest.json").is_file()
    ):
        raise UsageError(
            f"{place} is in the way and is no artifact of Gemtab. Choose another --out."
        )
    out.absolute().parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.absolute().parent))
    try:
        new = work / "new"
        new.mkdir()
        yield new
        out.mkdir(exist_ok=True)
        if place.exists():
            place.replace(work / "old")
        try:
            new.replace(place)
        except OSError:
            if (work / "old").exists():
                (work / "old").replace(place)
            raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _write(folder: Path, key: str, suffix: str, data: bytes) -> File:
    digest = hashlib.sha256(data).hexdigest()
    url = f"{key}.{digest[:16]}.{suffix}"
    (folder / url).write_bytes(data)
    return File(url, len(data), digest)


def open_artifact(folder: Path) -> tuple[Manifest, Path]:
    """The manifest of a built site and the folder it lies in; the `model` folder itself will do."""
    artifact = FileArtifact(folder)
    return artifact.manifest, artifact.folder

"""Everything an artifact promises, checked: hashes, lengths, tensors against the config."""

from collections.abc import Callable
from pathlib import Path

from gemtab.contracts.errors import ArtifactError
from gemtab.contracts.manifest import MAX_SOURCE_BYTES, Manifest, Source, Tensor
from gemtab.contracts.placement import rows_and_width
from gemtab.contracts.quantization import planes
from gemtab_build.site.shaders import compile_shaders
from gemtab_build.weights.read_tensors import check_source


def verify_artifact(
    manifest: Manifest, folder: Path, report: Callable[[str, int, int], None] = lambda *_: None
) -> list[str]:
    """What was found in order, a line each; ArtifactError at the first thing that is not."""
    for name, tensor in manifest.tensors.items():
        _check_pieces(name, tensor, manifest)
    total = sum(source.bytes for source in manifest.sources)
    done = 0
    for source in manifest.sources:
        if source.bytes > MAX_SOURCE_BYTES:
            raise ArtifactError(f"{source.url} is a source of {source.bytes} bytes, over 64 MiB.")
        check_source(folder, source)
        done += source.bytes
        report(source.url, done, total)
    if "tokenizer" not in manifest.files:
        raise ArtifactError("manifest.json names no tokenizer file. Build the site again.")
    for file in manifest.files.values():
        check_source(folder, Source(file.url, 0, file.bytes, file.sha256))
    lines = [
        f"{len(manifest.tensors)} tensors, as the config has them",
        f"{len(manifest.sources)} shards, {total} bytes, every hash matches",
        f"{len(manifest.files)} further files match",
    ]
    lines.append(compile_shaders(manifest, folder))
    return lines


def _check_pieces(name: str, tensor: Tensor, manifest: Manifest) -> None:
    """Each plane's pieces follow one another, whole and inside their sources."""
    rows, width = rows_and_width(tensor.shape)
    for plane in planes(tensor.encoding, width):
        row = 0
        for piece in (piece for piece in tensor.pieces if piece.plane == plane.name):
            inside = 0 <= piece.source < len(manifest.sources) and (
                piece.offset >= 0
                and piece.offset + piece.bytes <= manifest.sources[piece.source].bytes
            )
            if piece.row != row or piece.bytes != plane.bytes(piece.rows) or not inside:
                raise ArtifactError(
                    f"{name}: the piece at row {piece.row} is amiss. Build it again."
                )
            row += piece.rows
        if row != rows:
            raise ArtifactError(f"{name} has {row} of {rows} rows of {plane.name}. Build it again.")

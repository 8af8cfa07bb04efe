"""Matrices of a packed checkpoint that stay in the file they were published in: byte ranges of it, each with a hash."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np

from gemtab.contracts.errors import CheckpointError, UsageError
from gemtab.contracts.manifest import MAX_SOURCE_BYTES, Piece, Source, Tensor
from gemtab.contracts.names import PLE_EMBED, tensor_shapes
from gemtab.contracts.placement import ROW_STEP
from gemtab.contracts.quantization import planes
from gemtab_build.checkpoint.packed import PackedTensor, read_srq
from gemtab_build.checkpoint.stored import AGAIN, Checkpoint, weight_files
from gemtab_build.progress import Report
from gemtab_build.weights.encode_tensors import slabs

GAP_BYTES = 64 << 10  # between two wanted parts: less is fetched along, more begins another source
READ_BYTES = 1 << 20


@dataclass(frozen=True)
class Part:
    """Rows of one plane of one of our tensors: `bytes` bytes from `start` on in the file at `path`."""

    tensor: str
    plane: str
    row: int
    rows: int
    path: Path
    start: int
    bytes: int


def upstream_encodings(
    checkpoint: Checkpoint, names: Mapping[str, str], packed: Mapping[str, PackedTensor]
) -> dict[str, str]:
    """The encodings of what can stay: packed matrices, and those in bf16. Small vectors cannot."""
    found = {ours: tensor.encoding for ours, tensor in packed.items()}
    for ours, shape in tensor_shapes(checkpoint.config).items():
        is_bf16 = checkpoint.tensors[names[ours]].dtype == "BF16"
        if len(shape) == 2 and is_bf16 and shape[1] % 2 == 0:
            found[ours] = "bf16"
    return found


def point_upstream(
    checkpoint: Checkpoint,
    names: Mapping[str, str],
    packed: Mapping[str, PackedTensor],
    url: str,
    first_source: int,
    report: Report,
) -> tuple[tuple[Source, ...], dict[str, Tensor]]:
    """Sources, numbered from `first_source` on, and the tensors that lie in them; the table comes last.

    `url` is the folder of the checkpoint's weight files, or its one file.
    """
    encodings = upstream_encodings(checkpoint, names, packed)
    shapes = tensor_shapes(checkpoint.config)
    parts = [
        part
        for ours, encoding in encodings.items()
        for part in _parts(checkpoint, ours, encoding, names[ours], packed.get(ours))
    ]
    groups = list(_grouped(sorted(parts, key=_order)))
    total = sum(_size(group) for group in groups)
    sources: list[Source] = []
    pieces: dict[str, list[Piece]] = {ours: [] for ours in encodings}
    done = 0
    for group in groups:
        number, begin, size = first_source + len(sources), group[0].start, _size(group)
        digest = _digest(group[0].path, begin, size)
        sources.append(Source(file_url(checkpoint, url, group[0].path), begin, size, digest))
        for part in group:
            place = number, part.start - begin, part.bytes
            pieces[part.tensor].append(Piece(part.plane, part.row, part.rows, *place))
        done += size
        report(group[-1].tensor, done, total)
    tensors = {}
    for ours, encoding in encodings.items():
        in_order = sorted(pieces[ours], key=lambda piece: (piece.plane, piece.row))
        srq = read_srq(checkpoint, packed[ours]) if ours in packed else None
        tensors[ours] = Tensor(shapes[ours], encoding, tuple(in_order), srq)
    return tuple(sources), tensors


def file_url(checkpoint: Checkpoint, url: str, path: Path) -> str:
    """The address of a weights file: `url` itself where that names a file, else in the folder `url`."""
    if not url.endswith(".safetensors"):
        return f"{url.rstrip('/')}/{quote(path.name)}"
    files = weight_files(checkpoint.folder)
    if len(files) > 1:
        raise UsageError(
            f"--weights-at {url} names one file, the checkpoint has {len(files)}. Give their folder."
        )
    return url


def _parts(
    checkpoint: Checkpoint, ours: str, encoding: str, theirs: str, packed: PackedTensor | None
) -> Iterator[Part]:
    rows, width = tensor_shapes(checkpoint.config)[ours]
    stored = {"codes": packed.codes, "scales": packed.scales} if packed else {"values": theirs}
    for plane in planes(encoding, width):
        name = stored[plane.name]
        if plane.name != "codes":
            _check_finite(checkpoint, name, rows, plane.bits_per_row // 8)
        tensor = checkpoint.tensors[name]
        step = MAX_SOURCE_BYTES // plane.bytes(1) // ROW_STEP * ROW_STEP
        for row in range(0, rows, step):
            count = min(step, rows - row)
            start = tensor.start + plane.bytes(row)
            yield Part(ours, plane.name, row, count, tensor.path, start, plane.bytes(count))


def _check_finite(checkpoint: Checkpoint, name: str, rows: int, row_bytes: int) -> None:
    for first, count in slabs(rows, row_bytes):
        if not np.isfinite(checkpoint.rows(name, first, count)).all():
            raise CheckpointError(f"{name} holds values that are not finite numbers.")


def _order(part: Part) -> tuple[bool, Path, int]:
    return part.tensor == PLE_EMBED, part.path, part.start


def _grouped(parts: list[Part]) -> Iterator[list[Part]]:
    """Neighbours of a file together, up to the size of a source."""
    group: list[Part] = []
    for part in parts:
        if group and not _joins(group, part):
            yield group
            group = []
        group.append(part)
    if group:
        yield group


def _joins(group: list[Part], part: Part) -> bool:
    last = group[-1]
    together = part.path == last.path and (part.tensor == PLE_EMBED) == (last.tensor == PLE_EMBED)
    gap = part.start - last.start - last.bytes
    return together and gap <= GAP_BYTES and _size([group[0], part]) <= MAX_SOURCE_BYTES


def _size(group: list[Part]) -> int:
    return group[-1].start + group[-1].bytes - group[0].start


def _digest(path: Path, start: int, size: int) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        stream.seek(start)
        left = size
        while left and (data := stream.read(min(left, READ_BYTES))):
            digest.update(data)
            left -= len(data)
    if left:
        raise CheckpointError(f"{path} ends {left} bytes too early. {AGAIN}")
    return digest.hexdigest()

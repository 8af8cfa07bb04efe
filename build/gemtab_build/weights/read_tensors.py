"""Rows of an artifact's tensors as f32, gathered from their pieces."""

import hashlib
from pathlib import Path

from gemtab.contracts.errors import ArtifactError
from gemtab.contracts.manifest import Manifest, Source, Tensor
from gemtab.contracts.placement import rows_and_width
from gemtab.contracts.quantization import Plane, planes
from gemtab.weights.files import locate, missing
from gemtab_build.arrays import Floats
from gemtab_build.weights.quantize import decode


def read_rows(manifest: Manifest, folder: Path, name: str, first: int, count: int) -> Floats:
    """Rows [first, first + count) of a tensor, [count, width]; `first` is a multiple of 8."""
    tensor = manifest.tensors[name]
    _, width = rows_and_width(tensor.shape)
    found = {
        plane.name: _plane_bytes(manifest, folder, tensor, plane, first, count)
        for plane in planes(tensor.encoding, width)
    }
    return decode(found, tensor.encoding, count, width)


def _plane_bytes(
    manifest: Manifest, folder: Path, tensor: Tensor, plane: Plane, first: int, count: int
) -> bytes:
    low = first * plane.bits_per_row // 8
    high = low + plane.bytes(count)
    data = bytearray(high - low)
    filled = 0
    for piece in tensor.pieces:
        begin = piece.row * plane.bits_per_row // 8
        start, end = max(low, begin), min(high, begin + piece.bytes)
        if piece.plane != plane.name or start >= end:
            continue
        source = manifest.sources[piece.source]
        with locate(folder, source.url).open("rb") as stream:
            stream.seek(source.offset + piece.offset + start - begin)
            data[start - low : end - low] = stream.read(end - start)
        filled += end - start
    if filled != high - low:
        raise ArtifactError(f"manifest.json lacks rows of a {plane.name} plane. Build it again.")
    return bytes(data)


def check_source(folder: Path, source: Source) -> None:
    """ArtifactError unless the file holds all of the source's bytes, and they match its hash."""
    path = locate(folder, source.url)
    digest = hashlib.sha256()
    left = source.bytes
    try:
        with path.open("rb") as stream:
            stream.seek(source.offset)
            while left and (data := stream.read(min(left, 1 << 20))):
                digest.update(data)
                left -= len(data)
    except FileNotFoundError:
        raise missing(folder, source.url) from None
    if left:
        raise ArtifactError(
            f"{path} ends {left} bytes before the {source.bytes} it should have. Build it again."
        )
    if digest.hexdigest() != source.sha256:
        raise ArtifactError(f"{path} does not match its SHA-256. Build the site again.")

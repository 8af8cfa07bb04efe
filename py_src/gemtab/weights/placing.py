"""Which bytes of which source go where: the manifest's pieces against the plan's buffers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gemtab.contracts.errors import ArtifactError
from gemtab.contracts.manifest import Manifest, Piece
from gemtab.contracts.placement import Part, rows_and_width
from gemtab.contracts.program import Slice
from gemtab.contracts.quantization import planes


@dataclass(frozen=True)
class Target:
    """`bytes` bytes at `source_offset` of a source belong at `buffer_offset` of a buffer."""

    buffer: str
    buffer_offset: int
    source_offset: int
    bytes: int


def targets(manifest: Manifest, parts: Mapping[str, Sequence[Part]]) -> dict[int, list[Target]]:
    """For each source of which something is to be copied, in order, what that is."""
    found: dict[int, list[Target]] = {index: [] for index in range(len(manifest.sources))}
    for name, tensor in manifest.tensors.items():
        if name not in parts:
            continue  # a table that stays where it is
        _, width = rows_and_width(tensor.shape)
        bits = {plane.name: plane.bits_per_row for plane in planes(tensor.encoding, width)}
        copied = 0
        for part in parts[name]:
            for plane, place in part.buffers:
                pieces = [piece for piece in tensor.pieces if piece.plane == plane]
                first = part.first_row * bits[plane] // 8
                for source, target in _overlaps(pieces, bits[plane], place, first):
                    found[source].append(target)
                    copied += target.bytes
        wanted = sum(place.bytes for part in parts[name] for _, place in part.buffers)
        if copied != wanted:
            raise ArtifactError(
                f"manifest.json holds {copied} of the {wanted} bytes of {name}. Build the site again."
            )
    return {index: wanted for index, wanted in found.items() if wanted}


def _overlaps(
    pieces: Sequence[Piece], bits: int, place: Slice, first: int
) -> Iterator[tuple[int, Target]]:
    """The pieces' bytes that lie in [first, first + place.bytes) of their plane."""
    for piece in pieces:
        begins = piece.row * bits // 8
        low, high = max(first, begins), min(first + place.bytes, begins + piece.bytes)
        if low < high:
            offset = piece.offset + low - begins
            yield piece.source, Target(place.buffer, place.offset + low - first, offset, high - low)

"""Single rows of a table that stays where the bytes come from: which bytes of which source."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from gemtab.contracts.manifest import Piece, Tensor
from gemtab.contracts.placement import row_buffer, rows_and_width
from gemtab.contracts.quantization import planes


@dataclass(frozen=True)
class TablePlane:
    """One plane of a table [rows, width]: its rows' bytes, its pieces, the buffer that takes rows."""

    buffer: str
    row_bytes: int
    pieces: tuple[Piece, ...]  # by row, lowest first

    def find(self, row: int) -> tuple[int, int]:
        """(source, offset) of a row's bytes."""
        at = bisect_right(self.pieces, row, key=lambda piece: piece.row) - 1
        piece = self.pieces[at]
        return piece.source, piece.offset + (row - piece.row) * self.row_bytes


def table_planes(name: str, tensor: Tensor) -> tuple[TablePlane, ...]:
    """A table's planes; every encoding's rows take whole bytes."""
    _, width = rows_and_width(tensor.shape)
    return tuple(
        TablePlane(
            row_buffer(name, plane.name),
            plane.bits_per_row // 8,
            tuple(sorted(_of(tensor.pieces, plane.name), key=lambda piece: piece.row)),
        )
        for plane in planes(tensor.encoding, width)
    )


def _of(pieces: Sequence[Piece], plane: str) -> list[Piece]:
    return [piece for piece in pieces if piece.plane == plane]

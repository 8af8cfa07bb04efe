"""Rows of a table found in the pieces that hold them."""

from gemtab.contracts.manifest import Piece, Tensor
from gemtab.weights.rows import table_planes


def test_a_row_is_found_in_its_piece_whatever_their_order():
    pieces = (
        Piece("codes", 16, 3, 1, 64, 48),
        Piece("codes", 0, 16, 0, 128, 256),
        Piece("scales", 0, 19, 2, 8, 38),
    )

    codes, scales = table_planes("ple.embed", Tensor((19, 32), "q4", pieces))

    assert (codes.buffer, codes.row_bytes) == ("ple.embed.codes.rows", 16)
    assert (scales.buffer, scales.row_bytes) == ("ple.embed.scales.rows", 2)
    assert codes.find(0) == (0, 128)
    assert codes.find(15) == (0, 128 + 15 * 16)
    assert codes.find(16) == (1, 64)
    assert codes.find(18) == (1, 64 + 2 * 16)
    assert scales.find(18) == (2, 8 + 36)

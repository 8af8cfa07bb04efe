"""Encodings of weights and of the KV cache: block size, code order, bytes. The one home of these facts.

A matrix is `[n_out, n_in]`, rows first. An encoding stores one or two planes, one after the other:

    f32   values [n_out, n_in] f32
    f16   values [n_out, n_in] f16, two a word, low half first; n_in is even
    q8    codes  [n_out, n_in] i8, four a word, low byte first;     scales [n_out, n_in / 32] f16
    q4    codes  [n_out, n_in] u4 offset by 8, eight a word, low nibble first; scales as above

value = code * scale (q8), (code - 8) * scale (q4). n_in of q8 and q4 is a multiple of 32.
Each plane is padded with zeros to whole words of 4 bytes.
"""

from dataclasses import dataclass

BLOCK = 32  # values along n_in that share a scale
Q4_OFFSET = 8
WEIGHT_ENCODINGS = ("f32", "f16", "q8", "q4")
KV_ENCODINGS = ("f32", "f16", "q8")


@dataclass(frozen=True)
class Plane:
    """One array of an encoded matrix: `values` or `codes`, or `scales`; bytes of `rows` rows."""

    name: str
    bits_per_row: int

    def bytes(self, rows: int) -> int:
        """Bytes of `rows` rows, padded to whole words."""
        return -(-rows * self.bits_per_row // 32) * 4


def planes(encoding: str, n_in: int) -> tuple[Plane, ...]:
    """The planes of an `[n_out, n_in]` matrix in `encoding`, in the order they are stored."""
    if encoding in ("f32", "f16"):
        return (Plane("values", n_in * (32 if encoding == "f32" else 16)),)
    bits = 8 if encoding == "q8" else 4
    return (Plane("codes", n_in * bits), Plane("scales", n_in // BLOCK * 16))


def kv_row_words(encoding: str, head_dim: int) -> int:
    """Words of 4 bytes that one head's K (or V) of one position takes in the cache.

    f32: head_dim; f16: two values a word; q8: four codes a word and one f32 scale a head, at the end.
    """
    return {"f32": head_dim, "f16": -(-head_dim // 2), "q8": -(-head_dim // 4) + 1}[encoding]

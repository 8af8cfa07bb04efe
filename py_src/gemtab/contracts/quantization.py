"""Encodings of weights and of the KV cache: block size, code order, bytes. The one home of these facts.

A matrix is `[n_out, n_in]`, rows first. An encoding stores one or two planes, one after the other:

    f32   values [n_out, n_in] f32
    f16   values [n_out, n_in] f16, two a word, low half first; n_in is even
    bf16  values [n_out, n_in] bf16, as f16's
    q8    codes  [n_out, n_in] i8, four a word, low byte first;     scales [n_out, n_in / 32] f16
    q4    codes  [n_out, n_in] u4 offset by 8, eight a word, low nibble first; scales as above
    w8    codes  [n_out, n_in] i8, four a word, low byte first;     scales [n_out, s] f32
    w4    codes  [n_out, n_in] u4 offset by 8, as q4's;             scales as above
    w2    codes  [n_out, n_in] u2 offset by 2, sixteen a word, low bits first; scales as above

value = (code - offset) * scale. n_in of q8 and q4 is a multiple of 32.
Each plane is padded with zeros to whole words of 4 bytes.

bf16 and the w encodings are those of checkpoints that come packed, and are only ever copied. One scale (s = 1)
serves a row; `w4/35` is w4 with 35 scales a row, each for n_in / 35 neighbours. A row of codes takes
whole words, and neighbours that share a scale come by fours.
"""

from dataclasses import dataclass

BLOCK = 32  # values along n_in that share a scale
Q4_OFFSET = 8
WEIGHT_ENCODINGS = ("f32", "f16", "q8", "q4")
VALUE_BITS = {"f32": 32, "f16": 16, "bf16": 16}  # of encodings that hold values, without scales
PACKED_BITS = {"w2": 2, "w4": 4, "w8": 8}
PACKED_OFFSET = {"w2": 2, "w4": 8, "w8": 0}
KV_ENCODINGS = ("f32", "f16", "q8")


@dataclass(frozen=True)
class Plane:
    """One array of an encoded matrix: `values` or `codes`, or `scales`; bytes of `rows` rows."""

    name: str
    bits_per_row: int

    def bytes(self, rows: int) -> int:
        """Bytes of `rows` rows, padded to whole words."""
        return -(-rows * self.bits_per_row // 32) * 4


def packed_form(encoding: str) -> tuple[str, int] | None:
    """`("w4", 35)` of `w4/35`, `("w4", 1)` of `w4`; None of an encoding that is not packed."""
    form, _, scales = encoding.partition("/")
    if form not in PACKED_BITS or not (scales.isdecimal() or encoding == form):
        return None
    return form, int(scales or 1)


def is_encoding(name: str) -> bool:
    """Whether weights may be encoded so."""
    return name in WEIGHT_ENCODINGS or name in VALUE_BITS or packed_form(name) is not None


def packed_fault(encoding: str, n_in: int) -> str | None:
    """Why rows of `n_in` values cannot be in this packed encoding; None where they can."""
    form, scales = packed_form(encoding) or ("", 0)
    step = 32 // PACKED_BITS[form]
    if n_in % step:
        return f"{form} takes rows of whole words, multiples of {step} values, got {n_in}"
    if not scales or n_in % (4 * scales):
        return f"{scales} scales a row do not each serve the same multiple of 4 of {n_in} values"
    return None


def planes(encoding: str, n_in: int) -> tuple[Plane, ...]:
    """The planes of an `[n_out, n_in]` matrix in `encoding`, in the order they are stored."""
    if encoding in VALUE_BITS:
        return (Plane("values", n_in * VALUE_BITS[encoding]),)
    packed = packed_form(encoding)
    if packed:
        form, scales = packed
        return (Plane("codes", n_in * PACKED_BITS[form]), Plane("scales", scales * 32))
    bits = 8 if encoding == "q8" else 4
    return (Plane("codes", n_in * bits), Plane("scales", n_in // BLOCK * 16))


def kv_row_words(encoding: str, head_dim: int) -> int:
    """Words of 4 bytes that one head's K (or V) of one position takes in the cache.

    f32: head_dim; f16: two values a word; q8: four codes a word and one f32 scale a head, at the end.
    """
    return {"f32": head_dim, "f16": -(-head_dim // 2), "q8": -(-head_dim // 4) + 1}[encoding]

"""Packed codes to values: the w encodings of contracts/quantization.py, as numpy reads them."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from gemtab.contracts.quantization import PACKED_BITS, PACKED_OFFSET, packed_form


def unpack_codes(data: bytes, form: str, rows: int, width: int) -> NDArray[np.int8]:
    """Signed codes [rows, width] of `w2`, `w4` or `w8`."""
    bits = PACKED_BITS[form]
    if bits == 8:
        return np.frombuffer(data, np.int8, rows * width).reshape(rows, width)
    packed = np.frombuffer(data, np.uint8, rows * width * bits // 8)
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    unsigned = (packed[:, None] >> shifts) & np.uint8((1 << bits) - 1)
    return (unsigned.astype(np.int8) - np.int8(PACKED_OFFSET[form])).reshape(rows, width)


def unpack(
    planes: Mapping[str, bytes], encoding: str, rows: int, width: int
) -> NDArray[np.float32]:
    """The values [rows, width] as f32 that packed planes stand for, before any SRQ."""
    form, scales_in_row = packed_form(encoding) or ("", 0)
    codes = unpack_codes(planes["codes"], form, rows, width).astype(np.float32)
    scales = np.frombuffer(planes["scales"], "<f4", rows * scales_in_row)
    scaled: NDArray[np.float32] = codes.reshape(rows * scales_in_row, -1) * scales[:, None]
    return scaled.reshape(rows, width)

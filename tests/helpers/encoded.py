"""Random matrices in each weight encoding: the planes that a kernel reads, and what they stand for."""

import numpy as np

from gemtab.contracts.quantization import PACKED_BITS, WEIGHT_ENCODINGS, packed_fault
from gemtab_build.weights.quantize import choose_encoding, decode, encode
from helpers.srq import pack, quantize

ENCODINGS = (*WEIGHT_ENCODINGS, "bf16", *PACKED_BITS)
# one value; even; odd; prime; whole words of 8, 4 and 2 bits; one block; an odd number of blocks
WIDTHS = (1, 62, 75, 97, 148, 152, 176, 32, 1184)


def widths(encoding: str) -> list[int]:
    """The widths of rows that an encoding can have, among those tried."""
    if encoding in PACKED_BITS:
        return [width for width in WIDTHS if not packed_fault(encoding, width)]
    if encoding == "bf16":
        return widths("f16")
    return [width for width in WIDTHS if choose_encoding((1, width), encoding) == encoding]


def random_matrix(rng, encoding: str, n_out: int, n_in: int):
    """`({plane: words}, values [n_out, n_in] f64)` of a random matrix."""
    values = rng.standard_normal((n_out, n_in), np.float32)
    if encoding in PACKED_BITS:
        codes, scales = quantize(values, encoding)
        planes = {"codes": pack(codes, encoding).tobytes(), "scales": scales.tobytes()}
    else:
        if encoding == "bf16":
            values = (values.view(np.uint32) & 0xFFFF0000).view(np.float32)
        planes = encode(values, encoding)
    arrays = {name: np.frombuffer(data, np.uint32) for name, data in planes.items()}
    return arrays, decode(planes, encoding, n_out, n_in).astype(np.float64)

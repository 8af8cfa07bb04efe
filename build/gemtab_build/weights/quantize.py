"""Values to planes of bytes and back, in each weight encoding of contracts/quantization.py."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gemtab.contracts.errors import CheckpointError
from gemtab.contracts.quantization import BLOCK, Q4_OFFSET, VALUE_BITS, packed_form
from gemtab_build.arrays import Floats
from gemtab_build.checkpoint.packed_codes import unpack
from gemtab_build.weights.scale_search import Q4, Q8, nearest_codes, search_scales

F16_MAX = 65504.0
HowToRound = tuple[bool, Floats | None]  # whether to search, importance of the columns


@dataclass(frozen=True)
class Rounding:
    """How the scales of q4 and q8 are chosen: searched for, or by the plain rules.

    `importance` holds, by tensor, what errors in its columns weigh, f32 [n_in]; 1 where it has none.
    """

    search: bool = True
    importance: Mapping[str, Floats] = field(default_factory=dict)

    def of(self, tensor: str) -> HowToRound:
        """What `encode` wants to know for a tensor."""
        return self.search, self.importance.get(tensor)


SEARCHED = Rounding()


def choose_encoding(shape: tuple[int, ...], wanted: str) -> str:
    """The encoding of a tensor: `wanted` where its width allows; vectors are always f32."""
    if len(shape) != 2 or wanted == "f32":
        return "f32"
    width = shape[1]
    if wanted in ("q8", "q4") and width % BLOCK == 0:
        return wanted
    return "f32" if width % 2 else "f16"


def encode(
    values: Floats, encoding: str, search: bool = False, importance: Floats | None = None
) -> dict[str, bytes]:
    """The planes of some rows [rows, width], each padded to whole words.

    Rows of a larger matrix go in multiples of 8, so that only the last slab is padded. q4 and q8 take
    their scales by Q4_0's and Q8_0's rules, or search for better ones (scale_search), where errors
    count by the importance [width] of their columns.
    """
    if not np.isfinite(values).all():
        raise CheckpointError("it holds values that are not finite numbers")
    if encoding == "f32":
        return {"values": values.astype("<f4").tobytes()}
    if encoding == "bf16":
        return {"values": _padded(_bf16(values))}
    if encoding == "f16":
        if values.size and float(np.abs(values).max()) > F16_MAX:
            raise CheckpointError(f"it holds values beyond {F16_MAX}, too large for f16")
        return {"values": _padded(values.astype("<f2"))}
    codes, scales = (_q8 if encoding == "q8" else _q4)(values, search, importance)
    return {"codes": _padded(codes), "scales": _padded(scales)}


def decode(planes: Mapping[str, bytes], encoding: str, rows: int, width: int) -> Floats:
    """The values [rows, width] as f32 that planes stand for: what the shaders compute with."""
    if encoding in VALUE_BITS:
        dtype = {"f32": "<f4", "f16": "<f2", "bf16": "<u2"}[encoding]
        values = np.frombuffer(planes["values"], dtype, rows * width).reshape(rows, width)
        if encoding == "bf16":
            return (values.astype(np.uint32) << 16).view(np.float32)
        return values.astype(np.float32)
    if packed_form(encoding):
        return unpack(planes, encoding, rows, width)
    blocks = width // BLOCK
    scales = np.frombuffer(planes["scales"], "<f2", rows * blocks).astype(np.float32)
    if encoding == "q8":
        codes = np.frombuffer(planes["codes"], np.int8, rows * width).astype(np.float32)
    else:
        packed = np.frombuffer(planes["codes"], np.uint8, rows * width // 2)
        nibbles = np.stack([packed & 15, packed >> 4], axis=-1)
        codes = nibbles.reshape(-1).astype(np.float32) - Q4_OFFSET
    scaled: Floats = codes.reshape(rows, blocks, BLOCK) * scales.reshape(rows, blocks, 1)
    return scaled.reshape(rows, width)


def _q4(
    values: Floats, search: bool, importance: Floats | None
) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    """Q4_0's rule: the value of largest magnitude becomes code 0, which stands for -8 scales."""
    blocks = values.reshape(values.shape[0], -1, BLOCK)
    largest = np.abs(blocks).argmax(axis=2)[..., None]
    scale = np.take_along_axis(blocks, largest, axis=2) / np.float32(-8)
    stored = _as_scales(scale)
    if search:
        stored = search_scales(blocks, stored, Q4, importance)
        codes = nearest_codes(blocks, stored.astype(np.float32), Q4)
        codes += np.float32(Q4_OFFSET)
    else:
        codes = blocks * _inverse(scale, stored)
        codes += np.float32(Q4_OFFSET + 0.5)
        np.clip(codes, 0, 15, out=codes)
    whole = codes.astype(np.uint8)
    packed: NDArray[np.uint8] = whole[..., 0::2] | np.left_shift(whole[..., 1::2], np.uint8(4))
    return packed, stored


def _q8(
    values: Floats, search: bool, importance: Floats | None
) -> tuple[NDArray[np.int8], NDArray[np.float16]]:
    """Q8_0's rule: the largest magnitude of a block becomes code 127 or -127."""
    blocks = values.reshape(values.shape[0], -1, BLOCK)
    scale = np.abs(blocks).max(axis=2, keepdims=True) / np.float32(127)
    stored = _as_scales(scale)
    if search:
        stored = search_scales(blocks, stored, Q8, importance)
        codes = nearest_codes(blocks, stored.astype(np.float32), Q8)
    else:
        codes = np.clip(np.rint(blocks * _inverse(scale, stored)), -127, 127)
    return codes.astype(np.int8), stored


def _bf16(values: Floats) -> NDArray[np.uint16]:
    """The upper halves of values that bf16 holds exactly, as those of a checkpoint in bf16."""
    words = values.view(np.uint32)
    if (words & 0xFFFF).any():
        raise CheckpointError("it holds values that are not exact in bf16")
    return (words >> 16).astype("<u2")


def _as_scales(scale: Floats) -> NDArray[np.float16]:
    if scale.size and float(np.abs(scale).max()) > F16_MAX:
        raise CheckpointError("it holds values too large for f16 scales; build with --weights f32")
    stored: NDArray[np.float16] = scale.astype("<f2")
    return stored


def _inverse(scale: Floats, stored: NDArray[np.float16]) -> Floats:
    """1 / scale before it was rounded, as llama.cpp has it; 0 for a block that f16 cannot hold."""
    inverse = np.zeros_like(scale)
    np.divide(np.float32(1), scale, out=inverse, where=stored != 0)
    return inverse


def _padded(array: NDArray[np.generic]) -> bytes:
    data = array.tobytes()
    return data + bytes(-len(data) % 4)

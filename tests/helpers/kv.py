"""The cache's rows in numpy: heads to words and back, in each KV encoding of contracts/quantization.py."""

import numpy as np

from gemtab.contracts.quantization import kv_row_words


def encode_kv(values: np.ndarray, encoding: str) -> np.ndarray:
    """[..., head_dim] -> u32 [..., row words]."""
    if encoding in ("f32", "f16"):
        return values.astype("<f4" if encoding == "f32" else "<f2").view(np.uint32)
    scales = (np.abs(values).max(-1, keepdims=True) / 127).astype(np.float32)
    codes = np.rint(values / np.where(scales, scales, 1)).astype(np.int8)
    return np.concatenate([codes.view(np.uint32), scales.view(np.uint32)], -1)


def decode_kv(words: np.ndarray, encoding: str, head_dim: int) -> np.ndarray:
    """u32 [..., row words] -> f64 [..., head_dim]."""
    assert words.shape[-1] == kv_row_words(encoding, head_dim)
    if encoding in ("f32", "f16"):
        return words.view("<f4" if encoding == "f32" else "<f2").astype(np.float64)
    scales = words[..., -1:].view(np.float32).astype(np.float64)
    return np.ascontiguousarray(words[..., :-1]).view(np.int8) * scales

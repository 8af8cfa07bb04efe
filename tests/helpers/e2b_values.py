"""Values for a synthetic E2B: seeded, cheap, and such that a forward pass stays finite and says something.

A large tensor repeats a pattern whose length is a prime number of units, so that none of its rows are
alike; each tensor begins elsewhere in it, and each kind of tensor has a pattern of its own.
"""

import re
import zlib
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from gemtab.contracts.quantization import BLOCK
from helpers.e2b_forms import Stored
from helpers.e2b_shapes import CLIPS, TEXT
from helpers.srq import pack

UNITS = (4_099, 262_147)  # primes, more than a small and a large tensor have rows
LARGE = 1 << 20  # bytes from which a tensor is large
SLAB = 8 << 20  # bytes written at a time
USUAL_SPREAD = 0.02  # standard deviation of weights
SPREAD = {"embed_tokens": 0.03, "lm_head": 0.03}
CODE_SPREAD = {2: 0.9, 4: 2.5, 8: 32.0}
SCALARS = (
    0.01782, 0.2227, 0.793, 0.2871, 0.498, 0.6367, 0.498, 0.6094, 0.377, 0.4648, 0.4434, 0.3691,
    0.3242, 0.08838, 0.02856, 0.2539, 0.5859, 0.6562, 0.6016, 0.5391, 0.4941, 0.6445, 0.6328, 0.4316,
    0.4375, 0.7852, 0.8242, 0.8203, 0.8203, 0.8125, 0.8711, 0.8281, 0.8711, 0.6953, 0.167,
)  # fmt: skip
INPUTS = {  # about how large what a linear multiplies is, to place the grids of SRQ
    "q_proj": 9.5, "k_proj": 9.5, "v_proj": 9.5, "o_proj": 1.0, "gate_proj": 9.5, "up_proj": 9.5,
    "down_proj": 40.0, "per_layer_input_gate": 2.0, "per_layer_projection": 1.0, "lm_head": 14.0,
}  # fmt: skip
PEAK = 5.0  # a grid ends at so many times that


class Values:
    """Bytes of any tensor of a form, in slabs; `tensors` are all of the file."""

    def __init__(self, form: str, tensors: dict[str, Stored], seed: int) -> None:
        self.form = form
        self.tensors = tensors
        self.seed = seed

    def slabs(self, name: str) -> Iterator[bytes]:
        """All bytes of a tensor, a slab after the other."""
        tensor = self.tensors[name]
        if tensor.dtype == "F32" and not tensor.shape:
            yield np.float32(self._step(name)).tobytes()
        elif len(tensor.shape) < 2:
            rng = np.random.default_rng([self.seed, zlib.crc32(name.encode())])
            yield bf16(_small(name, tensor.shape, rng))
        else:
            yield from _repeated(name, tensor.size, *self._pattern(name, tensor))

    def _pattern(self, name: str, tensor: Stored) -> tuple[bytes, int]:
        """What a large tensor repeats, and the bytes of a unit of it."""
        units, seed = UNITS[tensor.size >= LARGE], self._seed(name)
        if tensor.bits:
            return _codes_pattern(units, tensor.bits, seed), 1
        if tensor.dtype == "F32":
            return _scales_pattern(units, self._scale(name), seed), 4
        spread = SPREAD.get(_kind(name), USUAL_SPREAD)
        if self.form == "qat-q4_0" and name.startswith(TEXT) and not tensor.shape[-1] % BLOCK:
            return _grid_pattern(units, spread, seed), 2 * BLOCK
        return _normal_pattern(units, spread, seed), 2

    def _seed(self, name: str) -> int:
        """A seed that tensors of the same kind share, and so a pattern."""
        return self.seed + zlib.crc32(_kind(name).encode())

    def _scale(self, name: str) -> float:
        """A row's scale, such that the values have the usual spread."""
        codes = name.replace("embedding_scale", "embedding_quantized").replace("_scale", "")
        return SPREAD.get(_kind(name), USUAL_SPREAD) / CODE_SPREAD[self.tensors[codes].bits]

    def _step(self, name: str) -> float:
        """The step of a grid of activations, from what goes in, and what may come out."""
        module, _, which = name.rpartition(".")
        size = INPUTS.get(_kind(name), 1.0) if module.startswith((TEXT, "lm_head")) else 1.0
        if which == "output_activation_scale":
            weight = self.tensors[f"{module}.weight"]
            width = weight.shape[1] * 8 // weight.bits
            size *= SPREAD.get(_kind(name), USUAL_SPREAD) * width**0.5
        return PEAK * size / 127


def _repeated(name: str, size: int, pattern: bytes, unit: int) -> Iterator[bytes]:
    """The pattern, from one of its units on, until there are `size` bytes."""
    start = zlib.crc32(name.encode()) % (len(pattern) // unit) * unit
    turned = pattern[start:] + pattern[:start]
    turned *= max(SLAB // len(turned), 1)
    for left in range(size, 0, -len(turned)):
        yield turned[:left]


def bf16(values: np.ndarray) -> bytes:
    """f32 values to bf16, to the nearest, ties to even."""
    bits = values.astype(np.float32).view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype("<u2").tobytes()


def _kind(name: str) -> str:
    """The module of a tensor, without its layer: `q_proj` of all layers is one kind."""
    parts = name.removesuffix(".linear.weight").split(".")
    known = [part for part in parts if part in INPUTS or part in SPREAD]
    return known[-1] if known else re.sub(r"\d+", "", ".".join(parts))


def _small(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """A vector or a scalar."""
    index = int(found[1]) if (found := re.search(r"layers\.(\d+)\.", name)) else 0
    if name.endswith("layer_scalar"):
        return np.full(shape, SCALARS[index % len(SCALARS)])
    if name.endswith(CLIPS):
        largest = 8.0 if name.endswith("max") else -8.0 * 128 / 127
        return np.full(shape, largest)
    if name.startswith(TEXT) and name.endswith(("q_norm.weight", "k_norm.weight")):
        # constant vectors; their product times the head's size is 32, which bounds the scores
        own = 0.95 + 0.01 * (index % 10)
        return np.full(shape, own if "q_norm" in name else 32 / shape[0] / own)
    if name.startswith(TEXT) and name.endswith(
        ("input_layernorm.weight", "pre_feedforward_layernorm.weight")
    ):
        values = rng.normal(9, 3, shape)
        values[:: max(shape[0] // 5, 1)] *= -10  # a few large ones, and negative
        return values
    if name == f"{TEXT}norm.weight":
        return rng.normal(14, 4, shape)
    if name.endswith(("bias", "per_dim_scale")):
        return rng.normal(0, 0.1, shape)
    return rng.uniform(0.5, 1.5, shape)


@lru_cache(maxsize=4)
def _normal_pattern(units: int, spread: float, seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    return bf16(rng.standard_normal(units, np.float32) * np.float32(spread))


@lru_cache(maxsize=4)
def _grid_pattern(units: int, spread: float, seed: int) -> bytes:
    """Blocks on the grid of Q4_0 that bf16 holds exactly: scales of five bits, and a code -8 in each."""
    rng = np.random.default_rng(seed)
    spreading = rng.standard_normal((units, BLOCK), np.float32) * np.float32(CODE_SPREAD[4])
    codes = np.clip(np.rint(spreading), -8, 7)
    codes[np.arange(units), rng.integers(0, BLOCK, units)] = -8
    step = 2.0 ** np.floor(np.log2(spread / CODE_SPREAD[4]))
    scales = rng.integers(16, 32, (units, 1)) / 16 * step * rng.choice([-1, 1], (units, 1))
    return bf16(codes * scales.astype(np.float32))


@lru_cache(maxsize=4)
def _codes_pattern(units: int, bits: int, seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    count = units * 8 // bits
    if bits == 2:  # -2, -1, 0, 1, about as often above zero as below
        codes = rng.choice(np.arange(-2, 2, dtype=np.int8), count, p=(0.1, 0.25, 0.2, 0.45))
    else:
        low = -(1 << bits - 1)
        spread = rng.standard_normal(count, np.float32) * np.float32(CODE_SPREAD[bits])
        codes = np.clip(np.rint(spread), low, -low - 1).astype(np.int8)
    return pack(codes.reshape(1, -1), f"w{bits}").tobytes()


@lru_cache(maxsize=4)
def _scales_pattern(units: int, scale: float, seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    return (rng.uniform(0.8, 1.25, units) * scale).astype("<f4").tobytes()

"""Packed matrices and static range quantization in numpy: what an SRQ linear computes, in float64."""

from dataclasses import dataclass, field

import numpy as np

from gemtab.contracts.quantization import PACKED_BITS, PACKED_OFFSET


def grid_codes(x, step):
    """x on the int8 grid of a step, as whole numbers, divided in x's own precision; ties go to even."""
    return np.clip(np.round(x / x.dtype.type(step)), -128, 127)


def on_grid(x, step):
    """x rounded to the grid of a step; as it is where the step is 0."""
    return grid_codes(x, step) * x.dtype.type(step) if step else x


@dataclass
class SrqLinear:
    """codes [n_out, n_in], scales [n_out, 1], steps of the grids of input and output; call it with x."""

    codes: np.ndarray
    scales: np.ndarray
    steps: tuple[float, float] = (0.0, 0.0)
    seen: list = field(default_factory=list)  # (largest input, largest output) of each call

    @property
    def values(self):
        """What the codes stand for."""
        return self.codes * self.scales.astype(np.float64)

    def __call__(self, x):
        """x [tokens, n_in] -> [tokens, n_out]; x given as f32 is divided in f32, as a GPU does."""
        y = on_grid(x, self.steps[0]).astype(np.float64) @ self.values.T
        self.seen.append((np.abs(x).max(), np.abs(y).max()))
        return on_grid(y, self.steps[1])


def quantize(values, form, scales=1):
    """(codes i8, scales f32 [rows, scales]) of values [rows, width], by the largest of each group."""
    groups = values.reshape(len(values) * scales, -1).astype(np.float64)
    low = -(1 << (PACKED_BITS[form] - 1))
    # two bits have one code above zero: a scale that loses the tails keeps more of the rest
    largest = np.abs(groups).max(1, keepdims=True) / (2 if form == "w2" else 1)
    scale = (largest / (-low if form == "w2" else -low - 1)).astype(np.float32)
    codes = np.clip(np.round(groups / scale), low, -low - 1).astype(np.int8)
    return codes.reshape(values.shape), scale.reshape(len(values), scales)


def pack(codes, form):
    """Codes [rows, width] as a checkpoint holds them: u8 [rows, bytes], i8 for `w8`."""
    bits = PACKED_BITS[form]
    if bits == 8:
        return codes
    unsigned = (codes + PACKED_OFFSET[form]).astype(np.uint8)
    parts = unsigned.reshape(len(codes), -1, 8 // bits)
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    return np.bitwise_or.reduce(parts << shifts, axis=2)

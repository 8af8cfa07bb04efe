"""The q4 grid in training: Q4_0's rule, with scales short enough that bf16 holds every value.

A scale has five significant bits and a code four, so code * scale is exact in bf16 and the saved
weights re-quantise to themselves: the f32 and the q4 artifact have equal weights.
"""

from __future__ import annotations

import torch
from torch import Tensor

BLOCK = 32
SCALE_BITS = 5


def snap(weight: Tensor) -> Tensor:
    """weight [n_out, n_in] -> the nearest values on the q4 grid, blocks of 32 along n_in."""
    blocks = weight.reshape(-1, BLOCK)
    largest = blocks.gather(1, blocks.abs().argmax(1, keepdim=True))
    mantissa, exponent = torch.frexp(largest / -8)
    scale = torch.ldexp(torch.round(mantissa * 2**SCALE_BITS) / 2**SCALE_BITS, exponent)
    scale = scale.half().float()
    safe = torch.where(scale == 0, torch.ones_like(scale), scale)
    codes = torch.clamp(torch.floor(blocks / safe + 8.5), 0, 15)
    return ((codes - 8) * scale).reshape(weight.shape)


def straight_through(weight: Tensor) -> Tensor:
    """The snapped weight, with the gradient of the weight itself."""
    return weight + (snap(weight.detach()) - weight).detach()


def snap_matrices(parameters: dict[str, Tensor]) -> dict[str, Tensor]:
    """All two-dimensional tensors on the grid, the others rounded to bf16."""
    return {
        name: snap(value) if value.ndim == 2 else value.bfloat16().float()
        for name, value in parameters.items()
    }


def q4(weight: Tensor) -> Tensor:
    """weight [n_out, n_in] -> what `q4` keeps of it: Q4_0's rule with a full f16 scale."""
    blocks = weight.reshape(-1, BLOCK)
    scale = (blocks.gather(1, blocks.abs().argmax(1, keepdim=True)) / -8).half().float()
    safe = torch.where(scale == 0, torch.ones_like(scale), scale)
    codes = torch.clamp(torch.floor(blocks / safe + 8.5), 0, 15)
    return ((codes - 8) * scale).reshape(weight.shape)

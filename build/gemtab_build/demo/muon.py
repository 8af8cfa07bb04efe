"""Muon for the matrices of the layers, AdamW for the tables and the vectors."""

from __future__ import annotations

import torch
from torch import Tensor


def orthogonal(update: Tensor, steps: int = 5) -> Tensor:
    """update [count, rows, columns] -> about the nearest matrices with orthonormal rows or columns."""
    tall = update.shape[-2] > update.shape[-1]
    x = update.transpose(-1, -2) if tall else update
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        a = x @ x.transpose(-1, -2)
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x.transpose(-1, -2) if tall else x


class Muon:
    """Momentum, made orthogonal, for matrices grouped by shape."""

    def __init__(
        self, parameters: list[Tensor], momentum: float = 0.95, decay: float = 0.02
    ) -> None:
        self.groups: dict[tuple[int, ...], list[Tensor]] = {}
        for parameter in parameters:
            self.groups.setdefault(tuple(parameter.shape), []).append(parameter)
        self.buffers = {s: torch.zeros(len(g), *s) for s, g in self.groups.items()}
        self.momentum, self.decay = momentum, decay

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """One update at that learning rate."""
        for shape, group in self.groups.items():
            gradient = torch.stack(
                [p.grad if p.grad is not None else torch.zeros_like(p) for p in group]
            )
            buffer = self.buffers[shape]
            buffer.mul_(self.momentum).add_(gradient)
            update = orthogonal(gradient + self.momentum * buffer)
            scale = rate * max(1.0, shape[0] / shape[1]) ** 0.5
            for parameter, change in zip(group, update, strict=True):
                parameter.mul_(1 - rate * self.decay).sub_(change, alpha=scale)
                parameter.grad = None

"""Which forms of the common snippets a device gets, and the grids that its limits allow."""

from dataclasses import dataclass

from gemtab.contracts.errors import ShapeError

MAX_GROUPS = 65535  # workgroups in one dimension of a grid, WebGPU's floor and ceiling
LANES = 64


@dataclass(frozen=True)
class Variant:
    """The device features that kernels may use."""

    f16: bool = False
    subgroups: bool = False

    def includes(self, *names: str) -> tuple[tuple[str, str], ...]:
        """The snippets to put in place of the plain `half` and `reduce_sum`, among those named."""
        chosen = []
        if self.f16 and "half" in names:
            chosen.append(("half", "half_f16"))
        if self.subgroups and "reduce_sum" in names:
            chosen.append(("reduce_sum", "reduce_sum_subgroups"))
        return tuple(chosen)

    def features(self, *names: str) -> tuple[str, ...]:
        """The WebGPU features that those snippets need."""
        needed = {"half_f16": "shader-f16", "reduce_sum_subgroups": "subgroups"}
        return tuple(sorted(needed[chosen] for _, chosen in self.includes(*names)))


PLAIN = Variant()


def fold(groups: int) -> tuple[int, int, int]:
    """A grid of at least `groups` workgroups over x and y; the kernel drops those past the end."""
    if groups <= MAX_GROUPS:
        return (groups, 1, 1)
    rows = -(-groups // MAX_GROUPS)
    return (-(-groups // rows), rows, 1)


def check_head_dim(head_dim: int) -> None:
    """Heads are read four values at a time, in pairs half a head apart."""
    if head_dim % 4:
        raise ShapeError(f"heads are read by fours, got head_dim={head_dim}. Use a multiple of 4.")

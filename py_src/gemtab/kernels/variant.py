"""Which forms of the common snippets a device gets, and the grids that its limits allow."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from gemtab.contracts.device_facts import INTEGER_DOT
from gemtab.contracts.errors import ShapeError
from gemtab.kernels.tuning import USUAL, Tuning

MAX_GROUPS = 65535  # workgroups in one dimension of a grid, WebGPU's floor and ceiling
LANES = 64
OPTIONAL = ("shader-f16", "subgroups", INTEGER_DOT)  # the features that kernels have forms for


@dataclass(frozen=True)
class Variant:
    """The device features that kernels may use, and the sizes that suit it.

    `integer_dot`: packed weights of one token by WGSL's dot4I8Packed, `integer_tiles`: those of a chunk; the
    results are the same. Software takes longer for such tiles, so they wait for a device that was timed.
    """

    f16: bool = False
    subgroups: bool = False
    integer_dot: bool = False
    integer_tiles: bool = False
    tuning: Tuning = USUAL
    integers: bool = False  # whether the device has them, whatever the tuning says

    @classmethod
    def of(cls, features: Collection[str], tuning: Tuning = USUAL) -> "Variant":
        """That of a device with these features, by what is known of its speed."""
        f16, subgroups, integers = (one in features for one in OPTIONAL)
        return cls(
            f16,
            subgroups,
            integers and tuning.integer_rows,
            integers and tuning.integer_tiles,
            tuning,
            integers,
        )

    def sized(self, own: Tuning) -> "Variant":
        """As it is for a class of shapes whose tuning is `own`."""
        if own is self.tuning:
            return self
        rows, tiles = self.integers and own.integer_rows, self.integers and own.integer_tiles
        return replace(self, integer_dot=rows, integer_tiles=tiles, tuning=own)

    def includes(self, *names: str) -> tuple[tuple[str, str], ...]:
        """The snippets to put in place of the plain ones, among those named."""
        chosen: list[tuple[str, str]] = []
        for name in ("half", "half4"):
            if self.f16 and name in names:
                chosen.append((name, f"{name}_f16"))
        for name in ("reduce_sum", "share_out"):
            if self.subgroups and name in names:
                chosen.append((name, f"{name}_subgroups"))
        return tuple(chosen)

    def features(self, *names: str) -> tuple[str, ...]:
        """The WebGPU features that those snippets need."""
        chosen = (form for _, form in self.includes(*names))
        return tuple(
            sorted({"subgroups" if "subgroups" in form else "shader-f16" for form in chosen})
        )


PLAIN = Variant()


def fold(groups: int) -> tuple[int, int, int]:
    """A grid of at least `groups` workgroups over x and y; the kernel drops those past the end."""
    if groups <= MAX_GROUPS:
        return (groups, 1, 1)
    rows = -(-groups // MAX_GROUPS)
    return (-(-groups // rows), rows, 1)


def check_head_dim(head_dim: int) -> None:
    """Heads are read by fours of pairs, a value of each in either half, and a lane holds one at most."""
    if head_dim % 8 or not 8 <= head_dim <= 8 * LANES:
        raise ShapeError(
            f"the halves of a head are read by fours, got head_dim={head_dim}. "
            f"Use a multiple of 8 up to {8 * LANES}."
        )

"""norm and norm_add: RMS norm of each token, alone or joining the residual stream."""

from dataclasses import dataclass

from gemtab.contracts.program import Kernel, Slice, Step, float_word
from gemtab.kernels.variant import PLAIN, Variant


@dataclass(frozen=True)
class Norm:
    """x [tokens, n], weight [n] -> y [tokens, n]; slices: x, y, weight, state."""

    n: int
    eps: float
    variant: Variant = PLAIN

    @property
    def kernel(self) -> Kernel:
        """The shader."""
        return Kernel(
            "norm",
            includes=self.variant.includes("reduce_sum"),
            bindings=("x", "*y", "weight", "state"),
            features=self.variant.features("reduce_sum"),
        )

    def step(self, tokens: int, label: str, slices: tuple[Slice, ...]) -> Step:
        """The dispatch."""
        return Step(self.kernel, slices, (self.n, float_word(self.eps)), (tokens, 1, 1), label)


@dataclass(frozen=True)
class NormAdd:
    """h [tokens, n] = (h + norm(x) · weight) · scalar; slices: x, h, weight, scalar, state."""

    n: int
    eps: float
    scaled: bool
    variant: Variant = PLAIN

    @property
    def kernel(self) -> Kernel:
        """The shader."""
        return Kernel(
            "norm_add",
            params=(("SCALED", int(self.scaled)),),
            includes=self.variant.includes("reduce_sum"),
            bindings=("x", "*h", "weight", "scalar", "state"),
            features=self.variant.features("reduce_sum"),
        )

    def step(self, tokens: int, label: str, slices: tuple[Slice, ...]) -> Step:
        """The dispatch."""
        return Step(self.kernel, slices, (self.n, float_word(self.eps)), (tokens, 1, 1), label)

"""norm and join: RMS norm of each token, alone or where a branch joins the residual stream."""

from dataclasses import dataclass

from gemtab.contracts.program import Kernel, Slice, Step, float_word
from gemtab.kernels.ends import NO_VECTOR
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
class Join:
    """h [tokens, n] = (h + norm(x) · weight) · scalar, and y = norm(h) · weight where `norm` is given.

    Slices: x, h, y, vectors, state. Offsets into the vectors count floats.
    """

    n: int
    eps: float
    post_norm: int
    scalar: int | None = None
    norm: int | None = None
    variant: Variant = PLAIN

    @property
    def kernel(self) -> Kernel:
        """The shader."""
        return Kernel(
            "join",
            includes=self.variant.includes("reduce_sum"),
            bindings=("x", "*h", "*y", "vectors", "state"),
            features=self.variant.features("reduce_sum"),
        )

    def step(self, tokens: int, label: str, slices: tuple[Slice, ...]) -> Step:
        """The dispatch."""
        norm, scalar = (NO_VECTOR if at is None else at for at in (self.norm, self.scalar))
        words = (self.n, float_word(self.eps), norm, self.post_norm, scalar)
        return Step(self.kernel, slices, words, (tokens, 1, 1), label)

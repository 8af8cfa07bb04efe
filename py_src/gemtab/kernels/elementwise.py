"""gelu_mul, ple_merge, softcap: what is done element by element."""

from dataclasses import dataclass

from gemtab.contracts.program import Kernel, Slice, Step, float_word
from gemtab.kernels.variant import LANES, PLAIN, Variant


@dataclass(frozen=True)
class GeluMul:
    """y [tokens, n] = gelu(a[:, :n]) · b[:, b_first : b_first + n]; slices: a, b, y, state."""

    n: int
    a_stride: int
    b_stride: int
    b_first: int = 0

    @property
    def kernel(self) -> Kernel:
        """The shader."""
        return Kernel("gelu_mul", bindings=("a", "b", "*y", "state"))

    def step(self, tokens: int, label: str, slices: tuple[Slice, ...]) -> Step:
        """The dispatch."""
        shape = (self.n, self.a_stride, self.b_stride, self.b_first)
        return Step(self.kernel, slices, shape, (-(-self.n // LANES), tokens, 1), label)


@dataclass(frozen=True)
class PleMerge:
    """context [tokens, layers, n] becomes the per-layer inputs; slices: context, token part, weight, state."""

    n: int
    layers: int
    scale: float
    eps: float
    variant: Variant = PLAIN

    @property
    def kernel(self) -> Kernel:
        """The shader."""
        return Kernel(
            "ple_merge",
            includes=self.variant.includes("reduce_sum"),
            bindings=("*context", "token_part", "weight", "state"),
            features=self.variant.features("reduce_sum"),
        )

    def step(self, tokens: int, layers: int, label: str, slices: tuple[Slice, ...]) -> Step:
        """The dispatch for the first `layers` layers."""
        shape = (self.n, self.layers, float_word(self.scale), float_word(self.eps))
        return Step(self.kernel, slices, shape, (layers, tokens, 1), label)


@dataclass(frozen=True)
class Softcap:
    """x [tokens, n] = cap · tanh(x / cap) in place; slices: x, state."""

    n: int
    cap: float

    @property
    def kernel(self) -> Kernel:
        """The shader."""
        return Kernel("softcap", bindings=("*x", "state"))

    def step(self, tokens: int, label: str, slices: tuple[Slice, ...]) -> Step:
        """The dispatch."""
        shape = (self.n, float_word(self.cap))
        return Step(self.kernel, slices, shape, (-(-self.n // LANES), tokens, 1), label)

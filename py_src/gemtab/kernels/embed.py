"""embed: a table's rows for the tokens at hand, times a constant."""

from dataclasses import dataclass

from gemtab.contracts.program import Kernel, Slice, Step, float_word
from gemtab.kernels.matmul import weight_bindings
from gemtab.kernels.variant import LANES, PLAIN, Variant


@dataclass(frozen=True)
class Embed:
    """ids [tokens], table [rows, n_in] encoded -> y [tokens, n_in] f32, times `scale`.

    The table may be a piece of a larger one: its rows stand for the ids from `first_row` on.
    """

    encoding: str
    n_in: int
    rows: int
    first_row: int
    scale: float
    variant: Variant = PLAIN

    @property
    def kernel(self) -> Kernel:
        """The shader."""
        return Kernel(
            "embed",
            includes=(("weights", f"weights_{self.encoding}"), *_half(self.encoding, self.variant)),
            bindings=("ids", "*y", "state", *weight_bindings(self.encoding)),
            features=self.variant.features("half") if self.encoding != "f32" else (),
        )

    def step(self, tokens: int, label: str, slices: tuple[Slice, ...]) -> Step:
        """The dispatch; slices: ids, y, state, then the table's planes."""
        shape = (self.n_in, self.first_row, self.rows, float_word(self.scale))
        return Step(self.kernel, slices, shape, (-(-self.n_in // (4 * LANES)), tokens, 1), label)


def _half(encoding: str, variant: Variant) -> tuple[tuple[str, str], ...]:
    return variant.includes("half") if encoding != "f32" else ()

"""embed: a table's rows for the tokens at hand, times a constant."""

from dataclasses import dataclass

from gemtab.contracts.errors import ShapeError
from gemtab.contracts.program import Kernel, Slice, Step, float_word
from gemtab.contracts.quantization import BLOCK, packed_fault, packed_form
from gemtab.kernels.matmul import weight_bindings, weight_form, weight_snippets
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

    def __post_init__(self) -> None:
        fault = packed_fault(self.encoding, self.n_in) if packed_form(self.encoding) else None
        if fault:
            raise ShapeError(f"{fault}.")

    @property
    def kernel(self) -> Kernel:
        """The shader."""
        snippets = weight_snippets(self.encoding)
        return Kernel(
            "embed",
            includes=(
                ("weights", weight_form(self.encoding, self.n_in)),
                *((("table", "table_scaled"),) if packed_form(self.encoding) else ()),
                *self.variant.includes(*snippets),
            ),
            bindings=("ids", "*y", "state", *weight_bindings(self.encoding)),
            features=self.variant.features(*snippets),
        )

    def step(self, tokens: int, label: str, slices: tuple[Slice, ...]) -> Step:
        """The dispatch; slices: ids, y, state, then the table's planes."""
        shape: tuple[int, ...] = (self.n_in, self.first_row, self.rows, float_word(self.scale))
        packed = packed_form(self.encoding)
        if packed:
            shape += (packed[1],)
        return Step(
            self.kernel, slices, shape, (-(-self.n_in // (BLOCK * LANES)), tokens, 1), label
        )

"""matvec and matmul: y = x · Wᵀ for one token and for a chunk, W in any encoding."""

from dataclasses import dataclass

from gemtab.contracts.errors import ShapeError
from gemtab.contracts.program import Kernel, Slice, Step
from gemtab.contracts.quantization import BLOCK
from gemtab.kernels.variant import PLAIN, Variant, fold

TILE = 32  # tokens, and rows of W, of matmul's tile
ROWS = 8  # rows of W that one workgroup of matvec makes


def weight_bindings(encoding: str) -> tuple[str, ...]:
    """The storage slots that an encoded matrix takes: its planes."""
    return ("values",) if encoding in ("f32", "f16") else ("codes", "scales")


@dataclass(frozen=True)
class Matmul:
    """x [tokens, n_in] f32, W [n_out, n_in] encoded -> y [tokens, stride] f32 from column `first_row`.

    One token takes the mat-vec template, more take the tiled one.
    """

    encoding: str
    n_in: int
    n_out: int
    first_row: int
    stride: int
    variant: Variant = PLAIN

    def __post_init__(self) -> None:
        if self.encoding in ("q8", "q4") and self.n_in % BLOCK:
            raise ShapeError(
                f"{self.encoding} takes rows of whole blocks of {BLOCK}, got n_in={self.n_in}. "
                f"Keep such a tensor in f16."
            )
        if self.encoding == "f16" and self.n_in % 2:
            raise ShapeError(f"f16 takes an even n_in, got {self.n_in}. Keep such a tensor in f32.")

    def kernel(self, tokens: int) -> Kernel:
        """The shader for one token or for many."""
        template = "matvec" if tokens == 1 else "matmul"
        snippets = ("half",) if self.encoding != "f32" else ()
        return Kernel(
            template,
            includes=(("weights", f"weights_{self.encoding}"), *self.variant.includes(*snippets)),
            bindings=("x", "*y", "state", *weight_bindings(self.encoding)),
            features=self.variant.features(*snippets),
        )

    def step(self, tokens: int, label: str, slices: tuple[Slice, ...]) -> Step:
        """The dispatch; slices: x, y, state, then the matrix's planes."""
        shape = (self.n_in, self.n_out, self.first_row, self.stride)
        grid = fold(-(-self.n_out // ROWS))
        if tokens > 1:
            grid = (-(-self.n_out // TILE), -(-tokens // TILE), 1)
        return Step(self.kernel(tokens), slices, shape, grid, label)

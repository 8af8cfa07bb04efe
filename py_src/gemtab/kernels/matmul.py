"""matvec and matmul: y = x · Wᵀ for one token and for a chunk, W in any encoding."""

from dataclasses import dataclass

from gemtab.contracts.errors import ShapeError
from gemtab.contracts.program import Kernel, Slice, Step, float_word
from gemtab.contracts.quantization import BLOCK, packed_fault, packed_form
from gemtab.kernels.variant import PLAIN, Variant, fold

TILE_TOKENS, TILE_ROWS = 64, 64  # matmul's tile
ROWS = 32  # rows of W that one workgroup of matvec makes


def weight_form(encoding: str, n_in: int) -> str:
    """The snippet that decodes an encoding: one for a packed form, however many scales a row has.

    Rows that are not whole blocks take a slower form.
    """
    packed = packed_form(encoding)
    return f"weights_{packed[0] if packed else encoding}{'_any' if n_in % BLOCK else ''}"


def weight_snippets(encoding: str) -> tuple[str, ...]:
    """The snippets with forms by device that an encoding needs."""
    return ("half",) if encoding in ("f16", "q8", "q4") else ()


def weight_bindings(encoding: str) -> tuple[str, ...]:
    """The storage slots that an encoded matrix takes: its planes."""
    return ("values",) if encoding in ("f32", "f16") else ("codes", "scales")


@dataclass(frozen=True)
class Matmul:
    """x [tokens, n_in] f32, W [n_out, n_in] encoded -> y [tokens, stride] f32 from column `first_row`.

    One token takes the mat-vec template, more take the tiled one. With a packed W, x and y are rounded
    to int8 grids of the two steps of `srq`; a step of 0 rounds nothing.
    """

    encoding: str
    n_in: int
    n_out: int
    first_row: int
    stride: int
    variant: Variant = PLAIN
    srq: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        packed = packed_form(self.encoding)
        fault = packed_fault(self.encoding, self.n_in) if packed else None
        if packed and packed[1] != 1:
            fault = f"a packed matrix has one scale a row, this one is {self.encoding}"
        if self.srq and not packed:
            fault = f"SRQ goes with packed weights, not with {self.encoding}"
        if fault:
            raise ShapeError(f"{fault}.")
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
        snippets = weight_snippets(self.encoding)
        rounding = (("input", "input_srq"), ("output", "output_srq"))
        return Kernel(
            template,
            includes=(
                ("weights", weight_form(self.encoding, self.n_in)),
                *((("x", "x_any"),) if self.n_in % BLOCK else ()),
                *(rounding if packed_form(self.encoding) else ()),
                *self.variant.includes(*snippets),
            ),
            bindings=("x", "*y", "state", *weight_bindings(self.encoding)),
            features=self.variant.features(*snippets),
        )

    def step(self, tokens: int, label: str, slices: tuple[Slice, ...]) -> Step:
        """The dispatch; slices: x, y, state, then the matrix's planes."""
        shape: tuple[int, ...] = (self.n_in, self.n_out, self.first_row, self.stride)
        if self.srq:
            shape += (float_word(self.srq[0]), float_word(self.srq[1]))
        grid = fold(-(-self.n_out // ROWS))
        if tokens > 1:
            grid = (-(-self.n_out // TILE_ROWS), -(-tokens // TILE_TOKENS), 1)
        return Step(self.kernel(tokens), slices, shape, grid, label)

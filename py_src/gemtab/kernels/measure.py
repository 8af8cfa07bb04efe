"""measure: a product like matvec's, by which a page tells how fast a device is before it downloads a model."""

from dataclasses import dataclass

from gemtab.contracts.errors import ShapeError
from gemtab.contracts.program import Kernel, Slice, Step
from gemtab.contracts.quantization import BLOCK

ROWS = 32  # that one workgroup makes


@dataclass(frozen=True)
class Measure:
    """codes [n_out, n_in] u4 offset by 8, x [n_in] f32 -> y [n_out] f32; slices: codes, x, y.

    web/engine/gpu/measure.js binds and runs it, so slots, shape words and grid stand there too.
    """

    n_in: int
    n_out: int

    def __post_init__(self) -> None:
        if self.n_in % BLOCK or self.n_out % ROWS:
            raise ShapeError(
                f"measure takes whole blocks of {BLOCK} and {ROWS} rows, got n_in={self.n_in}, n_out={self.n_out}."
            )

    @property
    def kernel(self) -> Kernel:
        """The shader."""
        return Kernel("measure", bindings=("codes", "x", "*y"))

    def step(self, label: str, slices: tuple[Slice, ...]) -> Step:
        """The dispatch."""
        shape = (self.n_in, self.n_out)
        return Step(self.kernel, slices, shape, (self.n_out // ROWS, 1, 1), label)

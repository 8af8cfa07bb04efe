"""What comes before a matrix and after it in one dispatch: where its input comes from, what its sums become."""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Source:
    """Where a mat-vec's input comes from. Offsets into the vectors count fours.

    plain: x as it is. normed: x normed, with the weight at `norm`. joined: the residual stream after
    a branch has joined it through `post_norm`, scaled by the vector at `scalar` where given, and then
    normed where `norm` is given; the stream goes on in another buffer.
    """

    kind: str = "plain"
    eps: float = 0.0
    norm: int | None = None
    post_norm: int = 0
    scalar: int | None = None

    def params(self, n_in: int) -> tuple[tuple[str, int], ...]:
        """What the snippet is told before it is compiled."""
        if self.kind == "plain":
            return ()
        if self.kind == "normed":
            return (("N_IN", n_in),)
        scaled, normed = int(self.scalar is not None), int(self.norm is not None)
        return (("N_IN", n_in), ("SCALED", scaled), ("NORMED", normed))

    def includes(self) -> tuple[tuple[str, str], ...]:
        """The snippet."""
        return () if self.kind == "plain" else (("source", f"source_{self.kind}"),)

    def bindings(self) -> tuple[str, ...]:
        """The slots after the matrix's."""
        return {"plain": (), "normed": ("vectors",), "joined": ("branch", "vectors", "*next")}[
            self.kind
        ]


@dataclass(frozen=True)
class Sink:
    """What becomes of a mat-vec's sums.

    plain: y. gated: rows of a gate and, after them, as many of what it gates: gelu(gate) · up. ple:
    gelu(y) times the per-layer inputs, of which y's column 0 has that at `first_input`. softcap:
    cap · tanh(y / cap).
    """

    kind: str = "plain"
    first_input: int = 0
    cap: float = 0.0

    @property
    def outputs(self) -> int:
        """What a quad of rows makes."""
        return 2 if self.kind == "gated" else 4

    def includes(self) -> tuple[tuple[str, str], ...]:
        """The snippet."""
        return () if self.kind == "plain" else (("sink", f"sink_{self.kind}"),)

    def bindings(self) -> tuple[str, ...]:
        """The slots after the source's."""
        return ("inputs",) if self.kind == "ple" else ()


class Grids(NamedTuple):
    """Steps of the int8 grids of a packed matrix that begins at `first_row`; 0 rounds nothing."""

    input: float
    output: float
    first_row: int = 0


PLAIN_SOURCE, PLAIN_SINK = Source(), Sink()
MATRICES = 3  # that may lie one after the other, each with grids of its own
NO_ROW = (1 << 32) - 1

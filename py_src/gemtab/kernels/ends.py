"""What comes before a matrix and after it in one dispatch: where its input comes from, what its sums become."""

from dataclasses import dataclass
from typing import NamedTuple

SINKS = ("plain", "gated", "ple", "softcap")  # as common/sink_any.wgsl numbers them
MOST_SPLITS = 8  # of common/source_splits.wgsl, and bytes for each of a head's
SPLIT_BYTES = 12
NO_VECTOR = NO_ROW = (1 << 32) - 1


@dataclass(frozen=True)
class Source:
    """Where a mat-vec's input comes from. Offsets into the vectors count fours.

    plain: x as it is. stream: the residual stream, which goes on in another buffer where a branch has
    joined it through `post_norm`, scaled by the vector at `scalar`, and then normed with the weight at
    `norm`; each of it where given. splits: what attention has left of so many splits of heads of
    `head_dim` values, merged.
    """

    kind: str = "plain"
    eps: float = 0.0
    norm: int | None = None
    post_norm: int | None = None
    scalar: int | None = None
    splits: int = 0
    head_dim: int = 0

    def params(self, n_in: int) -> tuple[tuple[str, int], ...]:
        """What the snippet is told before it is compiled."""
        if self.kind == "plain":
            return ()
        return (("N_IN", n_in), *((("HEAD_DIM", self.head_dim),) if self.splits else ()))

    def includes(self) -> tuple[tuple[str, str], ...]:
        """The snippet."""
        return () if self.kind == "plain" else (("source", f"source_{self.kind}"),)

    def bindings(self) -> tuple[str, ...]:
        """The slots after the matrix's."""
        return ("branch", "vectors", "*next") if self.kind == "stream" else ()

    def workgroup_bytes(self, n_in: int) -> int:
        """Workgroup memory that it takes, but for what a sum over lanes does."""
        if self.kind == "plain":
            return 0
        return 4 * n_in + (SPLIT_BYTES * MOST_SPLITS * n_in // self.head_dim if self.splits else 0)

    def words(self) -> tuple[int, int, int]:
        """Where the vectors are, for a shape record; or the splits, in the first of these words."""
        if self.splits:
            return self.splits, NO_VECTOR, NO_VECTOR
        norm, post_norm, scalar = (
            NO_VECTOR if at is None else at for at in (self.norm, self.post_norm, self.scalar)
        )
        return norm, post_norm, scalar


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

    @property
    def word(self) -> int:
        """Its number, for a shape record."""
        return SINKS.index(self.kind)


class Grids(NamedTuple):
    """Steps of the int8 grids of a packed matrix that begins at `first_row`; 0 rounds nothing."""

    input: float
    output: float
    first_row: int = 0


PLAIN_SOURCE, PLAIN_SINK = Source(), Sink()
MATRICES = 3  # that may lie one after the other, each with grids of its own

"""attend and merge: query heads against the cached keys they may see, in one go or in splits."""

from dataclasses import dataclass

from gemtab.contracts.program import Kernel, Slice, Step
from gemtab.kernels.heads import HeadShape

NARROW = 256  # values of a head, of which a workgroup holds eight queries, and 128 lanes a row


@dataclass(frozen=True)
class Attend:
    """qkv, K and V rings -> y [tokens, heads, head_dim]; slices: qkv, k, v, y, state.

    `raw` takes one token's qkv as projected, makes its heads and writes its K and V on the way; slices
    then end with vectors and rope. With splits > 1, or where it is to be `parted`, y takes `part_bytes`
    for `Merge` or for a mat-vec's source. `sets` are fours of query heads that a workgroup serves, all with
    the same keys; 0 stands for what suits the heads.
    """

    shape: HeadShape
    raw: bool = False
    splits: int = 1
    parted: bool = False
    sets: int = 0

    def __post_init__(self) -> None:
        two = self._share > 4 and self.shape.head_dim <= NARROW
        object.__setattr__(self, "sets", self.sets or 1 + two)

    @property
    def _share(self) -> int:
        """Query heads that share a key head."""
        return self.shape.heads // self.shape.kv_heads

    @property
    def kernel(self) -> Kernel:
        """The shader."""
        snippets = self.shape.snippets("share_out")
        raw = (("queries", "queries_raw"),) if self.raw else ()
        head_dim = self.shape.head_dim
        return Kernel(
            "attend",
            params=(
                ("LANES", 128 * self.sets if head_dim <= NARROW else 256),
                ("HEAD_DIM", head_dim),
                ("SETS", self.sets),
            ),
            includes=(
                ("kv", f"kv_{self.shape.encoding}"),
                *raw,
                *self.shape.variant.includes(*snippets),
            ),
            bindings=(
                *("*qkv", "*k", "*v", "*y", "state"),
                *(("vectors", "rope") if self.raw else ()),
            ),
            features=self.shape.variant.features(*snippets),
        )

    def step(self, tokens: int, label: str, slices: tuple[Slice, ...]) -> Step:
        """The dispatch."""
        groups = self.shape.kv_heads * -(-self._share // (4 * self.sets))
        words = self.shape.words(self.splits, parted=self.parted or self.splits > 1)
        return Step(self.kernel, slices, words, (groups, tokens, self.splits), label)


def part_bytes(heads: int, head_dim: int, splits: int) -> int:
    """Bytes of the parts of one token's heads: sums, and a vector of (largest, total) each."""
    return heads * splits * (head_dim // 4 + 1) * 16


@dataclass(frozen=True)
class Merge:
    """The parts of a split attention -> y [tokens, heads, head_dim]; slices: parts, y, state."""

    shape: HeadShape
    splits: int

    @property
    def kernel(self) -> Kernel:
        """The shader."""
        return Kernel(
            "merge",
            params=(("HEAD_DIM", self.shape.head_dim),),
            bindings=("parts", "*y", "state"),
        )

    def step(self, tokens: int, label: str, slices: tuple[Slice, ...]) -> Step:
        """The dispatch."""
        words = self.shape.words(self.splits)
        return Step(self.kernel, slices, words, (self.shape.heads, tokens, 1), label)

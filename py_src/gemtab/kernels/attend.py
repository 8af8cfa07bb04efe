"""attend and merge: query heads against the cached keys they may see, in one go or in splits."""

from dataclasses import dataclass

from gemtab.contracts.program import Kernel, Slice, Step
from gemtab.kernels.heads import HeadShape

QUERY_HEADS = 4  # that a workgroup serves


@dataclass(frozen=True)
class Attend:
    """qkv, K and V rings -> y [tokens, heads, head_dim]; slices: qkv, k, v, y, state.

    `raw` takes one token's qkv as projected, makes its heads and writes its K and V on the way; slices
    then end with vectors and rope. With splits > 1, y takes `part_bytes` for `Merge`.
    """

    shape: HeadShape
    raw: bool = False
    splits: int = 1

    @property
    def kernel(self) -> Kernel:
        """The shader."""
        snippets = self.shape.snippets()
        raw = (("queries", "queries_raw"),) if self.raw else ()
        return Kernel(
            "attend",
            params=(("HEAD_DIM", self.shape.head_dim),),
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
        share = self.shape.heads // self.shape.kv_heads
        groups = self.shape.kv_heads * -(-share // QUERY_HEADS)
        words = self.shape.words(self.splits)
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

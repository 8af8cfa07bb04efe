"""attend_chunk: the queries of a chunk against the cached keys they may see, in tiles."""

from dataclasses import dataclass

from gemtab.contracts.program import Kernel, Slice, Step
from gemtab.kernels.heads import HeadShape

ROWS = 32  # of a tile: tokens times the heads that share a key head
KEYS = 64  # that a workgroup takes at a time
NARROW = 256  # values of a head, of which 128 lanes hold ROWS rows


def fills_a_tile(shape: HeadShape, tokens: int) -> bool:
    """Whether so many tokens have the rows of a tile; with fewer, `Attend` is as fast or faster."""
    return tokens * shape.heads // shape.kv_heads >= ROWS


def carried_bytes(tokens: int, heads: int) -> int:
    """Bytes that go from one part of the keys to the next, beside the sums in y."""
    return 8 * tokens * heads


@dataclass(frozen=True)
class AttendChunk:
    """qkv as `Heads` left it, K and V rings -> y [tokens, heads, head_dim].

    Slices: qkv, k, v, y, carried, state. `carried` is for parts of the keys (kernels/parts.py): `carried_bytes`.
    """

    shape: HeadShape

    @property
    def kernel(self) -> Kernel:
        """The shader."""
        snippets, head_dim = self.shape.snippets(), self.shape.head_dim
        return Kernel(
            "attend_chunk",
            params=(
                ("LANES", 128 if head_dim <= NARROW else 256),
                ("HEAD_DIM", head_dim),
                ("ROWS", ROWS),
            ),
            includes=(
                ("kv", f"kv_{self.shape.encoding}"),
                *self.shape.variant.includes(*snippets),
            ),
            bindings=("qkv", "k", "v", "*y", "*carried", "state"),
            features=self.shape.variant.features(*snippets),
        )

    def step(self, tokens: int, label: str, slices: tuple[Slice, ...]) -> Step:
        """The dispatch."""
        rows = tokens * self.shape.heads // self.shape.kv_heads
        grid = (-(-rows // ROWS), self.shape.kv_heads, 1)
        return Step(self.kernel, slices, self.shape.words(), grid, label)

"""heads: norm and rotation of a chunk's queries, and the way of its K and V into the cache."""

from dataclasses import dataclass

from gemtab.contracts.errors import ShapeError
from gemtab.contracts.program import Kernel, Slice, Step, float_word
from gemtab.kernels.variant import LANES, PLAIN, Variant, check_head_dim

EACH = 4  # heads of a token that a workgroup of `heads` takes
NO_WINDOW = ALL_KEYS = 0xFFFFFFFF
WINDOW_WORD, SPLITS_WORD, PARTED_WORD = 8, 10, 17  # of the shape record
FIRST_GROUP_WORD, FIRST_SPLIT_WORD, FIRST_KEY_WORD, END_KEY_WORD = 13, 14, 15, 16


@dataclass(frozen=True)
class HeadShape:
    """What the kernels of attention know of a layer.

    `qkv` has `stride` columns: the queries' heads, then those of K and of V where the layer is an
    `owner` of them. `q_norm` and `k_norm` are offsets into the vectors, in fours; V is normed without
    a weight where `v_norm`. `pairs` are what the rope's rows hold, whole fours. `window` counts the
    query's own position; a full layer passes NO_WINDOW.
    """

    encoding: str
    heads: int
    kv_heads: int
    head_dim: int
    stride: int
    q_norm: int
    k_norm: int
    v_norm: bool
    pairs: int
    eps: float
    window: int
    ring: int
    owner: bool
    variant: Variant = PLAIN

    def __post_init__(self) -> None:
        check_head_dim(self.head_dim)
        if self.stride % 4:
            raise ShapeError(
                f"qkv is read by fours, got stride={self.stride}. Use a multiple of 4."
            )
        if self.pairs % 4:
            raise ShapeError(
                f"rope's rows are read by fours, got pairs={self.pairs}. Take them from plan/rope.py."
            )
        if self.heads % self.kv_heads:
            raise ShapeError(
                f"query heads share key heads evenly, got {self.heads} over {self.kv_heads}. "
                f"Check num_attention_heads and num_key_value_heads."
            )

    def words(self, splits: int = 1, first_head: int = 0, parted: bool = False) -> tuple[int, ...]:
        """The shape record of common/head_shape.wgsl."""
        return (
            self.heads, self.kv_heads, self.stride, self.q_norm, self.k_norm, int(self.v_norm),
            self.pairs, float_word(self.eps), self.window, self.ring, splits, first_head,
            int(self.owner), 0, 0, 0, ALL_KEYS, int(parted),
        )  # fmt: skip

    def snippets(self, *more: str) -> tuple[str, ...]:
        """The snippets with forms by device that a kernel over this cache needs."""
        return (*(("half4",) if self.encoding == "f16" else ()), *more)


@dataclass(frozen=True)
class Heads:
    """qkv [tokens, stride]: queries in place, K and V into rings; slices: qkv, vectors, rope, k, v, state.

    `keys_only` leaves the queries alone.
    """

    shape: HeadShape
    keys_only: bool = False

    @property
    def kernel(self) -> Kernel:
        """The shader."""
        snippets = self.shape.snippets()
        return Kernel(
            "heads",
            params=(("HEAD_DIM", self.shape.head_dim), ("EACH", EACH)),
            includes=(
                ("kv", f"kv_{self.shape.encoding}"),
                *self.shape.variant.includes(*snippets),
            ),
            bindings=("*qkv", "vectors", "rope", "*k", "*v", "state"),
            features=self.shape.variant.features(*snippets),
        )

    def step(self, tokens: int, label: str, slices: tuple[Slice, ...]) -> Step:
        """The dispatch."""
        first = self.shape.heads if self.keys_only else 0
        count = self.shape.heads - first + 2 * self.shape.kv_heads * self.shape.owner
        words = self.shape.words(first_head=first)
        grid = (-(-count // EACH), -(-tokens // self._teams), 1)
        return Step(self.kernel, slices, words, grid, label)

    @property
    def _teams(self) -> int:
        """Tokens that a workgroup takes: see common/head.wgsl."""
        return LANES // (self.shape.head_dim // 8)

"""attend: query heads against the cached keys they may see."""

from dataclasses import dataclass

from gemtab.contracts.errors import ShapeError
from gemtab.contracts.program import Kernel, Slice, Step
from gemtab.kernels.variant import PLAIN, Variant, check_head_dim

NO_WINDOW = 0xFFFFFFFF


@dataclass(frozen=True)
class Attend:
    """q [tokens, heads, head_dim], K and V rings -> y like q; slices: q, k, v, y, state.

    `window` counts the query's own position; a full layer passes NO_WINDOW.
    """

    encoding: str
    heads: int
    kv_heads: int
    head_dim: int
    window: int
    ring: int
    variant: Variant = PLAIN

    def __post_init__(self) -> None:
        check_head_dim(self.head_dim)
        if self.heads % self.kv_heads:
            raise ShapeError(
                f"query heads share key heads evenly, got {self.heads} over {self.kv_heads}. "
                f"Check num_attention_heads and num_key_value_heads."
            )

    @property
    def kernel(self) -> Kernel:
        """The shader."""
        snippets = ("half", "reduce_sum") if self.encoding == "f16" else ("reduce_sum",)
        return Kernel(
            "attend",
            params=(("HEAD_DIM", self.head_dim),),
            includes=(("kv", f"kv_{self.encoding}"), *self.variant.includes(*snippets)),
            bindings=("q", "k", "v", "*y", "state"),
            features=self.variant.features(*snippets),
        )

    def step(self, tokens: int, label: str, slices: tuple[Slice, ...]) -> Step:
        """The dispatch."""
        shape = (self.heads, self.kv_heads, self.window, self.ring)
        return Step(self.kernel, slices, shape, (self.heads, tokens, 1), label)

"""query, write_k, write_v: norm and rotation of heads, and the way of K and V into the cache."""

from dataclasses import dataclass

from gemtab.contracts.program import Kernel, Slice, Step, float_word
from gemtab.kernels.variant import PLAIN, Variant, check_head_dim


@dataclass(frozen=True)
class Query:
    """q [tokens, heads, head_dim] normed and turned in place; slices: q, weight, rope, state."""

    heads: int
    head_dim: int
    pairs: int
    eps: float
    variant: Variant = PLAIN

    def __post_init__(self) -> None:
        check_head_dim(self.head_dim)

    @property
    def kernel(self) -> Kernel:
        """The shader."""
        return Kernel(
            "query",
            params=(("HEAD_DIM", self.head_dim),),
            includes=self.variant.includes("reduce_sum"),
            bindings=("*q", "weight", "rope", "state"),
            features=self.variant.features("reduce_sum"),
        )

    def step(self, tokens: int, label: str, slices: tuple[Slice, ...]) -> Step:
        """The dispatch."""
        shape = (self.heads, self.pairs, float_word(self.eps))
        return Step(self.kernel, slices, shape, (self.heads, tokens, 1), label)


@dataclass(frozen=True)
class WriteK:
    """k [tokens, kv_heads, head_dim] into a ring cache; slices: k, weight, rope, cache, state."""

    encoding: str
    kv_heads: int
    head_dim: int
    pairs: int
    ring: int
    eps: float
    variant: Variant = PLAIN

    def __post_init__(self) -> None:
        check_head_dim(self.head_dim)

    @property
    def kernel(self) -> Kernel:
        """The shader."""
        bindings = ("k", "weight", "rope", "*cache", "state")
        params = (("HEAD_DIM", self.head_dim),)
        return _writer("write_k", self.encoding, params, bindings, self.variant)

    def step(self, tokens: int, label: str, slices: tuple[Slice, ...]) -> Step:
        """The dispatch."""
        shape = (self.kv_heads, self.pairs, self.ring, float_word(self.eps))
        return Step(self.kernel, slices, shape, (self.kv_heads, tokens, 1), label)


@dataclass(frozen=True)
class WriteV:
    """v [tokens, kv_heads, head_dim], `normed` or as it is, into a ring cache; slices: v, cache, state."""

    encoding: str
    kv_heads: int
    head_dim: int
    ring: int
    eps: float
    variant: Variant = PLAIN
    normed: bool = True

    def __post_init__(self) -> None:
        check_head_dim(self.head_dim)

    @property
    def kernel(self) -> Kernel:
        """The shader."""
        bindings = ("v", "*cache", "state")
        params = (("HEAD_DIM", self.head_dim), ("NORMED", int(self.normed)))
        return _writer("write_v", self.encoding, params, bindings, self.variant)

    def step(self, tokens: int, label: str, slices: tuple[Slice, ...]) -> Step:
        """The dispatch."""
        shape = (self.kv_heads, self.ring, float_word(self.eps))
        return Step(self.kernel, slices, shape, (self.kv_heads, tokens, 1), label)


def _writer(
    template: str,
    encoding: str,
    params: tuple[tuple[str, int], ...],
    bindings: tuple[str, ...],
    variant: Variant,
) -> Kernel:
    return Kernel(
        template,
        params=params,
        includes=(("store", f"store_{encoding}"), *variant.includes("reduce_sum")),
        bindings=bindings,
        features=variant.features("reduce_sum"),
    )

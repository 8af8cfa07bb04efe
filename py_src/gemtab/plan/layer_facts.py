"""What both ways of planning a layer need to know of it."""

from gemtab.contracts import names
from gemtab.kernels.heads import HeadShape
from gemtab.plan.model import Model
from gemtab.plan.rope import rope_pairs


class LayerFacts:
    """One layer of a model: its config, its tensors' names, its heads."""

    def __init__(self, model: Model, index: int) -> None:
        self.model = model
        self.index = index
        self.settings = model.settings
        self.config = model.settings.config
        self.layer = self.config.layers[index]
        self.owner = self.layer.kv_source == index
        self.rope = "rope.sliding" if self.layer.sliding else "rope.full"
        source = self.layer.kv_source
        self.cache = (f"k.{source}", f"v.{source}")
        self.qkv = tuple(self.name(part) for part in (("q", "k", "v") if self.owner else ("q",)))

    def name(self, part: str) -> str:
        """The name of one of the layer's tensors."""
        return names.layer(self.index, part)

    def floats(self, tensor: str) -> int:
        """A vector's offset, in floats."""
        return self.model.vector(tensor).offset // 4

    def fours(self, tensor: str) -> int:
        """A vector's offset, in vectors of four."""
        return self.model.vector(tensor).offset // 16

    @property
    def stride(self) -> int:
        """Columns of qkv: the queries' heads, and K's and V's where the layer owns them."""
        own = self.layer
        return own.head_dim * (self.config.heads + 2 * own.kv_heads * self.owner)

    @property
    def merges_on_the_way(self) -> bool:
        """Whether o merges what one token's attention leaves of its splits: see `Settings.merges_on_the_way`."""
        return self.settings.merges_on_the_way(self.layer)

    def head_shape(self) -> HeadShape:
        """The layer's heads, as the kernels of attention take them."""
        own, source = self.layer, self.config.layers[self.layer.kv_source]
        return HeadShape(
            encoding=self.settings.kv,
            heads=self.config.heads,
            kv_heads=source.kv_heads,
            head_dim=own.head_dim,
            stride=self.stride,
            q_norm=self.fours(self.name("q_norm")),
            k_norm=self.fours(self.name("k_norm")) if self.owner else 0,
            v_norm=self.config.v_norm,
            pairs=rope_pairs(self.config.rope(own), own.head_dim),
            eps=self.config.eps,
            window=self.settings.window(own),
            ring=self.settings.ring(source),
            owner=self.owner,
            variant=self.settings.variant,
        )

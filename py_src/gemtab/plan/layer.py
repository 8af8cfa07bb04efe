"""The steps of one decoder layer: attention, MLP, per-layer input. Equations: SPEC 2.3."""

from typing import TYPE_CHECKING

from gemtab.contracts import names
from gemtab.kernels.attend import Attend
from gemtab.kernels.elementwise import GeluMul
from gemtab.kernels.heads import Query, WriteK, WriteV
from gemtab.kernels.norm import Norm, NormAdd
from gemtab.plan.rope import rope_pairs

if TYPE_CHECKING:
    from gemtab.plan.forward import PassPlan


class LayerSteps:
    """Adds one layer's steps to a pass."""

    def __init__(self, plan: "PassPlan", index: int) -> None:
        self.plan = plan
        self.index = index
        self.settings = plan.model.settings
        self.config = self.settings.config
        self.layer = self.config.layers[index]
        self.pairs = rope_pairs(self.config.rope(self.layer), self.layer.head_dim)
        self.rope = "rope.sliding" if self.layer.sliding else "rope.full"

    def whole(self) -> None:
        """The layer as it is."""
        self._norm("attention_norm")
        if self.layer.kv_source == self.index:
            self._write_keys_and_values()
        self._attention()
        self._mlp()
        if self.config.ple_dim:
            self._per_layer_input()

    def keys_and_values(self) -> None:
        """Only what later layers read of this one: its K and V."""
        self._norm("attention_norm")
        self._write_keys_and_values()

    def _name(self, part: str) -> str:
        return names.layer(self.index, part)

    def _vector(self, part: str) -> str:
        return self.plan.vector(self._name(part))

    def _norm(self, part: str) -> None:
        kernel = Norm(self.config.hidden, self.config.eps, self.settings.variant)
        buffers = self.plan.slices("h", "normed", self._vector(part), "state")
        self.plan.add(kernel.step(self.plan.tokens, self._name(part), buffers))

    def _join(self, part: str, last: bool) -> None:
        """The branch joins the stream; the layer's last one also scales it."""
        scaled = last and self.config.layer_scalar
        kernel = NormAdd(self.config.hidden, self.config.eps, scaled, self.settings.variant)
        weight = self._vector(part)
        scalar = self._vector("scalar") if scaled else weight
        buffers = self.plan.slices("branch", "h", weight, scalar, "state")
        self.plan.add(kernel.step(self.plan.tokens, self._name(part), buffers))

    def _write_keys_and_values(self) -> None:
        plan, own, ring = self.plan, self.layer, self.settings.ring(self.layer)
        plan.matmul(self._name("k"), "normed", "k")
        plan.matmul(self._name("v"), "normed", "v")
        kv, eps, variant = self.settings.kv, self.config.eps, self.settings.variant
        write_k = WriteK(kv, own.kv_heads, own.head_dim, self.pairs, ring, eps, variant)
        cache = plan.slices("k", self._vector("k_norm"), self.rope, f"k.{self.index}", "state")
        plan.add(write_k.step(plan.tokens, self._name("write_k"), cache))
        write_v = WriteV(kv, own.kv_heads, own.head_dim, ring, eps, variant, self.config.v_norm)
        cache = plan.slices("v", f"v.{self.index}", "state")
        plan.add(write_v.step(plan.tokens, self._name("write_v"), cache))

    def _attention(self) -> None:
        plan, own = self.plan, self.layer
        plan.matmul(self._name("q"), "normed", "q")
        query = Query(
            self.config.heads, own.head_dim, self.pairs, self.config.eps, self.settings.variant
        )
        buffers = plan.slices("q", self._vector("q_norm"), self.rope, "state")
        plan.add(query.step(plan.tokens, self._name("query"), buffers))
        source = self.config.layers[own.kv_source]
        attend = Attend(
            self.settings.kv,
            self.config.heads,
            source.kv_heads,
            own.head_dim,
            self.settings.window(own),
            self.settings.ring(source),
            self.settings.variant,
        )
        cache = (f"k.{own.kv_source}", f"v.{own.kv_source}")
        plan.add(
            attend.step(
                plan.tokens, self._name("attend"), plan.slices("q", *cache, "attended", "state")
            )
        )
        plan.matmul(self._name("o"), "attended", "branch")
        self._join("post_attention_norm", last=False)

    def _mlp(self) -> None:
        plan, wide = self.plan, self.layer.intermediate
        self._norm("mlp_norm")
        plan.matmul(self._name("gate"), "normed", "gate")
        plan.matmul(self._name("up"), "normed", "up")
        gelu = GeluMul(wide, b_stride=wide)
        plan.add(gelu.step(plan.tokens, self._name("gelu"), plan.slices("gate", "up", "state")))
        plan.matmul(self._name("down"), "gate", "branch")
        self._join("post_mlp_norm", last=not self.config.ple_dim)

    def _per_layer_input(self) -> None:
        plan, n = self.plan, self.config.ple_dim
        plan.matmul(self._name("ple_gate"), "h", "gate")
        gelu = GeluMul(n, b_stride=len(self.config.layers) * n, b_first=self.index * n)
        buffers = plan.slices("gate", "ple.context", "state")
        plan.add(gelu.step(plan.tokens, self._name("ple_gelu"), buffers))
        plan.matmul(self._name("ple_out"), "gate", "branch")
        self._join("post_ple_norm", last=True)

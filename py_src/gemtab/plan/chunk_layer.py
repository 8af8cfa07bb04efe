"""The steps of one decoder layer for a chunk of tokens. Equations: SPEC 2.3."""

from gemtab.contracts.placement import VECTORS
from gemtab.kernels.attend import Attend
from gemtab.kernels.attend_chunk import AttendChunk, fills_a_tile
from gemtab.kernels.elementwise import GeluMul
from gemtab.kernels.heads import Heads
from gemtab.kernels.norm import Join
from gemtab.plan.layer_facts import LayerFacts
from gemtab.plan.pass_plan import PassPlan


class ChunkLayer:
    """Adds one layer's steps to a pass. It finds its input in `normed`, and the stream in `h`."""

    def __init__(self, plan: PassPlan, index: int) -> None:
        self.plan = plan
        self.facts = LayerFacts(plan.model, index)
        self.config = self.facts.config

    def steps(self, following: str) -> None:
        """The whole layer; `following` is the norm of what comes after it."""
        facts = self.facts
        self.plan.matmul(facts.qkv, "normed", "qkv")
        self._heads(keys_only=False)
        self._attend()
        self.plan.matmul(facts.name("o"), "attended", "branch")
        self._join("post_attention_norm", facts.name("mlp_norm"))
        self._mlp()
        if self.config.ple_dim:
            self._join("post_mlp_norm")
            self._per_layer_input()
            self._join("post_ple_norm", following, scaled=True)
        else:
            self._join("post_mlp_norm", following, scaled=True)

    def keys_and_values(self) -> None:
        """Only what later layers read of this one: its K and V."""
        facts = self.facts
        queries = self.config.heads * facts.layer.head_dim
        for number, part in enumerate(("k", "v")):
            first = queries + number * facts.layer.kv_heads * facts.layer.head_dim
            self.plan.matmul(facts.name(part), "normed", "qkv", first=first, stride=facts.stride)
        self._heads(keys_only=True)

    def _heads(self, keys_only: bool) -> None:
        plan, facts = self.plan, self.facts
        kernel = Heads(facts.head_shape(), keys_only)
        buffers = plan.slices("qkv", VECTORS, facts.rope, *facts.cache, "state")
        plan.add(kernel.step(plan.tokens, facts.name("heads"), buffers))

    def _attend(self) -> None:
        plan, facts = self.plan, self.facts
        shape = facts.head_shape()
        tiled = fills_a_tile(shape, plan.tokens)
        kernel = AttendChunk(shape) if tiled else Attend(shape)
        carried = ("carried",) if tiled else ()
        buffers = plan.slices("qkv", *facts.cache, "attended", *carried, "state")
        plan.add(kernel.step(plan.tokens, facts.name("attend"), buffers))

    def _join(self, part: str, following: str | None = None, scaled: bool = False) -> None:
        """The branch joins the stream, which is normed for what comes after."""
        plan, facts = self.plan, self.facts
        scaled = scaled and self.config.layer_scalar
        kernel = Join(
            self.config.hidden,
            self.config.eps,
            post_norm=facts.floats(facts.name(part)),
            scalar=facts.floats(facts.name("scalar")) if scaled else None,
            norm=facts.floats(following) if following else None,
            variant=facts.settings.variant,
        )
        buffers = plan.slices("branch", "h", "normed", VECTORS, "state")
        plan.add(kernel.step(plan.tokens, facts.name(part), buffers))

    def _mlp(self) -> None:
        plan, facts, wide = self.plan, self.facts, self.facts.layer.intermediate
        plan.matmul((facts.name("gate"), facts.name("up")), "normed", "gate_up")
        gelu = GeluMul(wide, a_stride=2 * wide, b_stride=2 * wide, b_first=wide)
        buffers = plan.slices("gate_up", "gate_up", "gated", "state")
        plan.add(gelu.step(plan.tokens, facts.name("gelu"), buffers))
        plan.matmul(facts.name("down"), "gated", "branch")

    def _per_layer_input(self) -> None:
        plan, facts, n = self.plan, self.facts, self.config.ple_dim
        plan.matmul(facts.name("ple_gate"), "h", "gate_up")
        inputs = len(self.config.layers) * n
        gelu = GeluMul(n, a_stride=n, b_stride=inputs, b_first=facts.index * n)
        buffers = plan.slices("gate_up", "ple.context", "gated", "state")
        plan.add(gelu.step(plan.tokens, facts.name("ple_gelu"), buffers))
        plan.matmul(facts.name("ple_out"), "gated", "branch")

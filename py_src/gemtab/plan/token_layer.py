"""The steps of one decoder layer for a single token: norms, joins, gates and caches are made on the way.

Seven dispatches a layer: qkv, attend, o, gate and up, down, per-layer gate, per-layer out. The splits of a
sliding layer's keys are merged by o on its way; an eighth dispatch merges those of a long context.
"""

from gemtab.contracts.placement import VECTORS
from gemtab.kernels.attend import Attend, Merge
from gemtab.kernels.elementwise import GeluMul
from gemtab.kernels.ends import PLAIN_SOURCE, Sink, Source
from gemtab.plan.layer_facts import LayerFacts
from gemtab.plan.pass_plan import PassPlan


class Stream:
    """The residual stream of a token: it goes from buffer to buffer, since a join must not race its readers.

    A branch that has been computed waits here; the next matrix that reads the stream joins it.
    """

    def __init__(self, plan: PassPlan) -> None:
        self.plan = plan
        self.here, self.other = "h", "h.next"
        self.post_norm: str | None = None
        self.scalar: str | None = None

    def branch(self, post_norm: str, scalar: str | None = None) -> None:
        """`branch` now holds what is to join through that norm, the stream then scaled."""
        self.post_norm, self.scalar = post_norm, scalar

    def take(self, norm: str | None, inputs: str = VECTORS) -> tuple[Source, str, tuple[str, ...]]:
        """How a matrix reads the stream, normed where `norm` is given: source, x, extra buffers.

        `inputs` are a sink's; what no sink reads is bound in any case, and the vectors do for that.
        """
        eps = self.plan.model.settings.config.eps
        of = self._fours
        source = Source("stream", eps, of(norm), of(self.post_norm), of(self.scalar))
        x, extra = self.here, ("branch", VECTORS, self.other, inputs)
        if self.post_norm is not None:
            self.here, self.other = self.other, self.here
        self.post_norm = self.scalar = None
        return source, x, extra

    def _fours(self, tensor: str | None) -> int | None:
        return None if tensor is None else self.plan.model.vector(tensor).offset // 16


class TokenLayer:
    """Adds one layer's steps to a decode."""

    def __init__(self, plan: PassPlan, index: int, stream: Stream) -> None:
        self.plan = plan
        self.stream = stream
        self.facts = LayerFacts(plan.model, index)
        self.config = self.facts.config

    def steps(self) -> None:
        """The whole layer; its last branch is left to the next matrix."""
        facts, stream = self.facts, self.stream
        source, x, extra = stream.take(facts.name("attention_norm"))
        self.plan.matmul(facts.qkv, x, "qkv", source=source, extra=extra)
        source, attended = self._attend()
        self.plan.matmul(facts.name("o"), attended, "branch", source=source)
        stream.branch(facts.name("post_attention_norm"))
        self._mlp()
        scalar = facts.name("scalar") if self.config.layer_scalar else None
        if not self.config.ple_dim:
            stream.branch(facts.name("post_mlp_norm"), scalar)
            return
        stream.branch(facts.name("post_mlp_norm"))
        self._per_layer_input()
        stream.branch(facts.name("post_ple_norm"), scalar)

    def _attend(self) -> tuple[Source, str]:
        """How o is to read what comes of it, and where that lies."""
        plan, facts = self.plan, self.facts
        splits = facts.settings.splits(facts.layer)
        on_the_way = facts.merges_on_the_way
        parted = splits > 1 or on_the_way
        kernel = Attend(facts.head_shape(), raw=True, splits=splits, parted=parted)
        y = "attended.parts" if parted else "attended"
        buffers = plan.slices("qkv", *facts.cache, y, "state", VECTORS, facts.rope)
        plan.add(kernel.step(1, facts.name("attend"), buffers))
        if on_the_way:
            return Source("splits", splits=splits, head_dim=facts.layer.head_dim), y
        if parted:
            merge = Merge(facts.head_shape(), splits)
            plan.add(merge.step(1, facts.name("merge"), plan.slices(y, "attended", "state")))
        return PLAIN_SOURCE, "attended"

    def _mlp(self) -> None:
        plan, facts, wide = self.plan, self.facts, self.facts.layer.intermediate
        source, x, extra = self.stream.take(facts.name("mlp_norm"))
        pair = (facts.name("gate"), facts.name("up"))
        if plan.model.joined(pair):
            plan.matmul(pair, x, "gated", source=source, sink=Sink("gated"), extra=extra)
        else:
            plan.matmul(pair, x, "gate_up", source=source, extra=extra)
            gelu = GeluMul(wide, a_stride=2 * wide, b_stride=2 * wide, b_first=wide)
            buffers = plan.slices("gate_up", "gate_up", "gated", "state")
            plan.add(gelu.step(1, facts.name("gelu"), buffers))
        plan.matmul(facts.name("down"), "gated", "branch")

    def _per_layer_input(self) -> None:
        plan, facts = self.plan, self.facts
        source, x, extra = self.stream.take(None, "ple.context")
        sink = Sink("ple", first_input=facts.index * self.config.ple_dim)
        plan.matmul(facts.name("ple_gate"), x, "gated", source=source, sink=sink, extra=extra)
        plan.matmul(facts.name("ple_out"), "gated", "branch")

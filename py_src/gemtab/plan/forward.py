"""Model config, device facts and tensor parts to Programs: prefill, decode, score.

decode   one token through every layer, and the sampler: the last token of a prompt, then each reply's.
prefill  a chunk of a prompt through the layers that own K and V; of the last owner only k and v run,
         because nothing later needs its output for these positions. Exact (SPEC 2.6), and about a
         third of the work.
score    a chunk through every layer, with the logits of every position.
"""

from gemtab.contracts import names
from gemtab.contracts.program import Program
from gemtab.contracts.quantization import BLOCK
from gemtab.kernels.elementwise import PleMerge, Softcap
from gemtab.kernels.ends import PLAIN_SINK, Sink
from gemtab.kernels.norm import Norm
from gemtab.kernels.sample import PickSlab, Sample
from gemtab.plan.chunk_layer import ChunkLayer
from gemtab.plan.model import Model
from gemtab.plan.pass_plan import PassPlan
from gemtab.plan.token_layer import Stream, TokenLayer

STAGED_HIDDEN = 3072  # wider streams do not fit the workgroup memory that every device has


def plan_decode(model: Model) -> Program:
    """One token in, the next id out, chosen on the GPU."""
    plan = PassPlan(model, "decode", 1)
    config = model.settings.config
    _inputs(plan, len(config.layers))
    if config.hidden % BLOCK or config.hidden > STAGED_HIDDEN:
        _layers(plan, len(config.layers), whole=True)
        _logits(plan, "logits")
    else:
        stream = Stream(plan)
        for index in range(len(config.layers)):
            TokenLayer(plan, index, stream).steps()
        _token_logits(plan, stream)
    plan.add(PickSlab(config.vocab).step("pick", plan.slices("logits", "candidates", "state")))
    buffers = plan.slices("candidates", "top", "ids", "reply", "state")
    plan.add(Sample(config.vocab).step("sample", buffers))
    return plan.program()


def plan_prefill(model: Model, tokens: int) -> Program:
    """Up to `tokens` prompt tokens into the cache, and nothing more."""
    plan = PassPlan(model, f"prefill-{tokens}", tokens)
    owners = model.settings.config.owners
    _inputs(plan, owners - 1)
    _layers(plan, owners, whole=False)
    return plan.program()


def plan_score(model: Model, tokens: int) -> Program:
    """Up to `tokens` tokens through every layer, with the logits of each."""
    plan = PassPlan(model, f"score-{tokens}", tokens, scored=True)
    layers = len(model.settings.config.layers)
    _inputs(plan, layers)
    _layers(plan, layers, whole=True)
    _logits(plan, "scores")
    return plan.program()


def _inputs(plan: PassPlan, layers: int) -> None:
    """Embeddings of the ids, and the per-layer inputs of the first `layers` layers."""
    settings = plan.model.settings
    config = settings.config
    plan.embed(names.EMBED, "h", config.hidden**0.5)
    if not config.ple_dim or not layers:
        return
    plan.embed(names.PLE_EMBED, "ple.token", config.ple_dim**0.5)
    rows, stride = layers * config.ple_dim, len(config.layers) * config.ple_dim
    plan.matmul(names.PLE_PROJECTION, "h", "ple.context", rows, stride=stride)
    merge = PleMerge(
        config.ple_dim, len(config.layers), config.hidden**-0.5, config.eps, settings.variant
    )
    buffers = plan.slices("ple.context", "ple.token", plan.model.vector(names.PLE_NORM), "state")
    plan.add(merge.step(plan.tokens, layers, "ple.merge", buffers))


def _layers(plan: PassPlan, count: int, whole: bool) -> None:
    """The first `count` layers for a chunk; of the last only K and V, unless it is `whole`."""
    config = plan.model.settings.config
    norm = Norm(config.hidden, config.eps, plan.model.settings.variant)
    first = names.layer(0, "attention_norm")
    buffers = plan.slices("h", "normed", plan.model.vector(first), "state")
    plan.add(norm.step(plan.tokens, first, buffers))
    for index in range(count):
        following = names.layer(index + 1, "attention_norm")
        if index + 1 == len(config.layers):
            following = names.FINAL_NORM
        layer = ChunkLayer(plan, index)
        if whole or index < count - 1:
            layer.steps(following)
        else:
            layer.keys_and_values()


def _logits(plan: PassPlan, logits: str) -> None:
    """Head and softcap of a normed chunk."""
    config = plan.model.settings.config
    plan.matmul(names.EMBED if config.tied else names.HEAD, "normed", logits)
    if config.softcap:
        cap = Softcap(config.vocab, config.softcap)
        plan.add(cap.step(plan.tokens, "softcap", plan.slices(logits, "state")))


def _token_logits(plan: PassPlan, stream: Stream) -> None:
    """Last join, final norm, head and softcap of a token, a step for each part of the head."""
    config = plan.model.settings.config
    sink = Sink("softcap", cap=config.softcap) if config.softcap else PLAIN_SINK
    source, x, extra = stream.take(names.FINAL_NORM)
    head = names.EMBED if config.tied else names.HEAD
    plan.matmul(head, x, "logits", source=source, sink=sink, extra=extra)

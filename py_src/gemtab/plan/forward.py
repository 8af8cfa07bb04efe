"""Model config, device facts and tensor parts to Programs: prefill, decode, score.

decode   one token through every layer, and the sampler: the last token of a prompt, then each reply's.
prefill  a chunk of a prompt through the layers that own K and V; of the last owner only k and v run,
         because nothing later needs its output for these positions. Exact (SPEC 2.6), and about a
         third of the work.
score    a chunk through every layer, with the logits of every position.
"""

from dataclasses import dataclass

from gemtab.contracts import names
from gemtab.contracts.manifest import Tensor
from gemtab.contracts.placement import Part, place, row_buffer, rows_and_width
from gemtab.contracts.program import Buffer, Program, Slice, Step
from gemtab.contracts.quantization import planes
from gemtab.kernels.elementwise import PleMerge, Softcap
from gemtab.kernels.embed import Embed
from gemtab.kernels.matmul import Matmul
from gemtab.kernels.norm import Norm
from gemtab.kernels.sample import PickSlab, Sample
from gemtab.plan.layer import LayerSteps
from gemtab.plan.settings import Settings


@dataclass(frozen=True)
class Model:
    """A model as it lies on a device: its tensors and the parts that hold them."""

    settings: Settings
    tensors: dict[str, Tensor]
    parts: dict[str, tuple[Part, ...]]

    @classmethod
    def on(cls, settings: Settings, tensors: dict[str, Tensor]) -> "Model":
        """Place the tensors within the device's limits."""
        placed = {
            name: tensor
            for name, tensor in tensors.items()
            if name != names.PLE_EMBED or not settings.ple_on_disk
        }
        return cls(settings, tensors, place(placed, settings.facts.largest_binding))

    def weight_buffers(self) -> tuple[Buffer, ...]:
        """Every buffer that holds weights."""
        return tuple(
            Buffer(name, size, "weight")
            for parts in self.parts.values()
            for part in parts
            for _, name, size in part.buffers
        )

    def row_buffers(self) -> tuple[Buffer, ...]:
        """What takes a chunk's rows of a table that is not on the GPU; empty where all are."""
        return tuple(
            Buffer(row_buffer(name, plane.name), plane.bytes(self.settings.chunk), "state")
            for name, tensor in self.tensors.items()
            if name not in self.parts
            for plane in planes(tensor.encoding, tensor.shape[1])
        )


class PassPlan:
    """The steps of one pass, as they are added; knows every buffer's size for its slices."""

    def __init__(self, model: Model, name: str, tokens: int, scored: bool = False) -> None:
        self.model = model
        self.name = name
        self.tokens = tokens
        self.steps: list[Step] = []
        settings = model.settings
        scratch = settings.scratch_buffers(tokens, scored)
        self.buffers = (
            *settings.state_buffers(), *settings.cache_buffers(), *model.row_buffers(), *scratch
        )  # fmt: skip
        self._sizes = {buffer.name: buffer.bytes for buffer in self.buffers}
        self._sizes |= {buffer.name: buffer.bytes for buffer in model.weight_buffers()}

    def slices(self, *buffers: str) -> tuple[Slice, ...]:
        """Whole buffers, as bound."""
        return tuple(Slice(name, 0, self._sizes[name]) for name in buffers)

    def vector(self, tensor: str) -> str:
        """The buffer of a tensor that is not a matrix."""
        return self.model.parts[tensor][0].buffers[0][1]

    def add(self, step: Step) -> None:
        """Append a step."""
        self.steps.append(step)

    def matmul(self, tensor: str, x: str, y: str, rows: int | None = None) -> None:
        """y = x · Wᵀ, a step for each part of W; only the first `rows` rows where given."""
        settings = self.model.settings
        stored = self.model.tensors[tensor]
        n_out, n_in = rows_and_width(stored.shape)
        for part in self.model.parts[tensor]:
            wanted = min(part.rows, (n_out if rows is None else rows) - part.first_row)
            if wanted <= 0:
                break
            kernel = Matmul(
                stored.encoding, n_in, wanted, part.first_row, n_out, settings.variant, stored.srq
            )
            planes = [name for _, name, _ in part.buffers]
            self.add(kernel.step(self.tokens, tensor, self.slices(x, y, "state", *planes)))

    def embed(self, tensor: str, y: str, scale: float) -> None:
        """y = rows of the table for `ids`, times `scale`, a step for each part of the table.

        Of a table that is not on the GPU, row t for token t lies ready: `row.ids` is 0, 1, 2, ….
        """
        stored = self.model.tensors[tensor]
        _, n_in = rows_and_width(stored.shape)
        variant, tokens = self.model.settings.variant, self.model.settings.chunk
        if tensor not in self.model.parts:
            kernel = Embed(stored.encoding, n_in, tokens, 0, scale, variant)
            rows = [row_buffer(tensor, plane.name) for plane in planes(stored.encoding, n_in)]
            buffers = self.slices("row.ids", y, "state", *rows)
            self.add(kernel.step(self.tokens, tensor, buffers))
            return
        for part in self.model.parts[tensor]:
            kernel = Embed(stored.encoding, n_in, part.rows, part.first_row, scale, variant)
            stored_in = [name for _, name, _ in part.buffers]
            self.add(kernel.step(self.tokens, tensor, self.slices("ids", y, "state", *stored_in)))

    def program(self) -> Program:
        """What was added, frozen."""
        return Program(self.name, self.tokens, self.buffers, tuple(self.steps))


def plan_decode(model: Model) -> Program:
    """One token in, the next id out, chosen on the GPU."""
    plan = PassPlan(model, "decode", 1)
    _inputs(plan, len(model.settings.config.layers))
    for index in range(len(model.settings.config.layers)):
        LayerSteps(plan, index).whole()
    _logits(plan, "logits")
    vocab = model.settings.config.vocab
    plan.add(PickSlab(vocab).step("pick", plan.slices("logits", "candidates", "state")))
    buffers = plan.slices("candidates", "top", "ids", "reply", "state")
    plan.add(Sample(vocab).step("sample", buffers))
    return plan.program()


def plan_prefill(model: Model, tokens: int) -> Program:
    """Up to `tokens` prompt tokens into the cache, and nothing more."""
    plan = PassPlan(model, f"prefill-{tokens}", tokens)
    last = model.settings.config.owners - 1
    _inputs(plan, last)
    for index in range(last):
        LayerSteps(plan, index).whole()
    LayerSteps(plan, last).keys_and_values()
    return plan.program()


def plan_score(model: Model, tokens: int) -> Program:
    """Up to `tokens` tokens through every layer, with the logits of each."""
    plan = PassPlan(model, f"score-{tokens}", tokens, scored=True)
    _inputs(plan, len(model.settings.config.layers))
    for index in range(len(model.settings.config.layers)):
        LayerSteps(plan, index).whole()
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
    plan.matmul(names.PLE_PROJECTION, "h", "ple.context", rows=layers * config.ple_dim)
    merge = PleMerge(
        config.ple_dim, len(config.layers), config.hidden**-0.5, config.eps, settings.variant
    )
    buffers = plan.slices("ple.context", "ple.token", plan.vector(names.PLE_NORM), "state")
    plan.add(merge.step(plan.tokens, layers, "ple.merge", buffers))


def _logits(plan: PassPlan, logits: str) -> None:
    """Final norm, head, softcap."""
    config = plan.model.settings.config
    norm = Norm(config.hidden, config.eps, plan.model.settings.variant)
    buffers = plan.slices("h", "normed", plan.vector(names.FINAL_NORM), "state")
    plan.add(norm.step(plan.tokens, names.FINAL_NORM, buffers))
    plan.matmul(names.EMBED if config.tied else names.HEAD, "normed", logits)
    if config.softcap:
        cap = Softcap(config.vocab, config.softcap)
        plan.add(cap.step(plan.tokens, "softcap", plan.slices(logits, "state")))

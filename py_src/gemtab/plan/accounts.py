"""What a Program costs, whatever runs it: dispatches, bytes, multiply-adds. Counted from its steps.

Bytes are those that a kernel asks for, each once a dispatch: weights, activations, and of the cache the
keys in sight, for one token as often as workgroups ask for them. Other copies that workgroups make for
themselves come from a GPU's caches and are not counted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gemtab.contracts.program import Program, Step
from gemtab.contracts.quantization import kv_row_words, planes
from gemtab.kernels.attend import part_bytes
from gemtab.kernels.ends import NO_VECTOR, SINKS
from gemtab.kernels.heads import (
    END_KEY_WORD,
    FIRST_KEY_WORD,
    NO_WINDOW,
    PARTED_WORD,
    SPLITS_WORD,
)
from gemtab.kernels.matmul import MATRIX_TEMPLATES, NORM_WORD, POST_NORM_WORD, SINK_WORD


@dataclass(frozen=True)
class Cost:
    """Bytes read and written, of which `weights` and `cache` are read, and multiply-adds."""

    read: int = 0
    written: int = 0
    weights: int = 0
    cache: int = 0
    macs: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.read + other.read,
            self.written + other.written,
            self.weights + other.weights,
            self.cache + other.cache,
            self.macs + other.macs,
        )


@dataclass(frozen=True)
class Accounts:
    """A Program's cost in all and by template, for `tokens` tokens at a position."""

    dispatches: int
    total: Cost
    by_template: Mapping[str, tuple[int, Cost]]  # dispatches, cost


def accounts(program: Program, tokens: int, position: int) -> Accounts:
    """What one run of the Program costs, with `position` tokens in the cache before it."""
    by_template: dict[str, tuple[int, Cost]] = {}
    total = Cost()
    for step in program.steps:
        cost = cost_of(step, tokens, position)
        count, before = by_template.get(step.kernel.template, (0, Cost()))
        by_template[step.kernel.template] = (count + 1, before + cost)
        total += cost
    return Accounts(len(program.steps), total, by_template)


def cost_of(step: Step, tokens: int, position: int) -> Cost:
    """What one dispatch costs."""
    special: Mapping[str, Callable[[Step, int, int], Cost]] = {
        **dict.fromkeys(MATRIX_TEMPLATES, _matrix),
        "embed": _embed, "attend": _attend, "attend_chunk": _attend, "heads": _heads,
    }  # fmt: skip
    return special.get(step.kernel.template, _whole)(step, tokens, position)


def _encoding(step: Step) -> str:
    form = dict(step.kernel.includes)["weights"].removeprefix("weights_")
    return form.removesuffix("_any").removesuffix("_i8")


def _matrix(step: Step, tokens: int, _position: int) -> Cost:
    n_in, n_out = step.shape[0], step.shape[1]
    sink = SINKS[step.shape[SINK_WORD]]
    rows = 2 * n_out if sink == "gated" else n_out
    weights = sum(plane.bytes(rows) for plane in planes(_encoding(step), n_in))
    branch = "branch" in step.kernel.bindings and step.shape[POST_NORM_WORD] != NO_VECTOR
    splits = dict(step.kernel.includes).get("source") == "source_splits"
    inputs = step.shape[NORM_WORD] if splits else 1 + branch
    activations = 4 * tokens * (n_in * inputs + n_out * (sink == "ple"))
    written = 4 * tokens * (n_out + n_in * branch)
    return Cost(weights + activations, written, weights=weights, macs=tokens * rows * n_in)


def _embed(step: Step, tokens: int, _position: int) -> Cost:
    n_in = step.shape[0]
    row = sum(plane.bytes(1) for plane in planes(_encoding(step), n_in))
    return Cost(tokens * row, 4 * tokens * n_in, weights=tokens * row)


def _attend(step: Step, tokens: int, position: int) -> Cost:
    heads, kv_heads, window = step.shape[0], step.shape[1], step.shape[8]
    head_dim = int(dict(step.kernel.params)["HEAD_DIM"])
    encoding = dict(step.kernel.includes)["kv"].removeprefix("kv_")
    row = 4 * kv_row_words(encoding, head_dim) * kv_heads
    limit = position + tokens if window == NO_WINDOW else window
    first, end = step.shape[FIRST_KEY_WORD], step.shape[END_KEY_WORD]  # of a part
    seen = _seen(tokens, position, min(limit, end)) - _seen(tokens, position, min(limit, first))
    span = (
        min(position + tokens, limit + tokens - 1, end) - first
    )  # a chunk's tokens share what they see
    readers = step.grid[0] // kv_heads if step.kernel.template == "attend" else 1
    cache = 2 * row * span * readers
    vectors = written = 4 * tokens * heads * head_dim
    if step.shape[PARTED_WORD]:
        written = tokens * part_bytes(heads, head_dim, step.shape[SPLITS_WORD])
    macs = 2 * heads * head_dim * seen
    return Cost(cache + vectors, written, cache=cache, macs=macs)


def _seen(tokens: int, position: int, limit: int) -> int:
    """Keys that all tokens see together, where none sees more than `limit` of them."""
    growing = min(max(limit - position - 1, 0), tokens)  # tokens that see less than the most
    return growing * position + growing * (growing + 1) // 2 + (tokens - growing) * limit


def _heads(step: Step, tokens: int, _position: int) -> Cost:
    stride = step.shape[2]
    return Cost(4 * tokens * stride, 4 * tokens * stride)


def _whole(step: Step, _tokens: int, _position: int) -> Cost:
    """A kernel that goes over all that it binds; scratch is sized for the tokens planned."""
    read = written = 0
    for name, part in zip(step.kernel.bindings, step.slices, strict=True):
        if name in ("state", "vectors", "rope"):
            continue
        read += part.bytes
        written += part.bytes * name.startswith("*")
    return Cost(read, written)

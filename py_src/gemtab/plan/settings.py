"""What a plan is made for: model, device, cache. All sizes that the Programs share follow from it."""

from dataclasses import dataclass
from math import prod

from gemtab.contracts.device_facts import DeviceFacts
from gemtab.contracts.errors import UsageError
from gemtab.contracts.model_config import LayerConfig, ModelConfig
from gemtab.contracts.program import Buffer
from gemtab.contracts.quantization import BLOCK, KV_ENCODINGS, kv_row_words
from gemtab.contracts.speed import UNKNOWN, Speed
from gemtab.contracts.state import MAX_CANDIDATES, STATE_BYTES
from gemtab.kernels.attend import part_bytes
from gemtab.kernels.attend_chunk import carried_bytes
from gemtab.kernels.ends import MOST_SPLITS as MOST_MERGED
from gemtab.kernels.ends import Source
from gemtab.kernels.heads import NO_WINDOW
from gemtab.kernels.integers import OTHER_BYTES, WORKGROUP_BYTES
from gemtab.kernels.sample import REPLY, slabs
from gemtab.kernels.tuning import USUAL, Tuning
from gemtab.kernels.variant import MAX_GROUPS, Variant
from gemtab.plan.rope import rope_pairs, rope_rows

WHOLE_LIMIT = 4096  # contexts up to this keep sliding layers whole, so that any rollback is free
LOOKAHEAD = 32  # tokens in flight at most
SPLIT_KEYS, MOST_SPLITS = 512, 16  # keys that one group attends to, in a full context
WINDOW_SPLIT_KEYS = 64  # and those of a window's, which are merged on the way
DEFAULT_CONTEXT = 4096
DEFAULT_CHUNK = 128


@dataclass(frozen=True)
class Settings:
    """A cache of `capacity` positions in `kv` encoding, prompts in chunks of at most `chunk` tokens.

    With `ple_on_disk`, the per-layer embeddings' table stays off the GPU and its rows come token by token.
    `speed` and `tuning` are what the device has been seen to do, and what suits it.
    """

    config: ModelConfig
    facts: DeviceFacts
    capacity: int
    kv: str = "f16"
    chunk: int = DEFAULT_CHUNK
    whole_limit: int = WHOLE_LIMIT
    ple_on_disk: bool = False
    speed: Speed = UNKNOWN
    tuning: Tuning = USUAL

    def __post_init__(self) -> None:
        if self.kv not in KV_ENCODINGS:
            raise UsageError(f"--kv is one of {', '.join(KV_ENCODINGS)}, got {self.kv!r}.")
        if self.chunk < 1:
            raise UsageError(f"--chunk is at least 1, got {self.chunk}.")
        if not 2 <= self.capacity <= self.config.max_position:
            raise UsageError(
                f"The context is from 2 to {self.config.max_position} tokens for this model, got {self.capacity}."
            )

    @classmethod
    def chosen(
        cls,
        config: ModelConfig,
        facts: DeviceFacts,
        context: int | None = None,
        kv: str | None = None,
        chunk: int | None = None,
    ) -> "Settings":
        """What was asked for, None for a default: no context beyond the model's, no chunk beyond it."""
        capacity = min(DEFAULT_CONTEXT if context is None else context, config.max_position)
        longest = max(1, min(capacity, MAX_GROUPS))  # kernels have a workgroup a token
        chunk = min(DEFAULT_CHUNK if chunk is None else chunk, longest)
        return cls(config, facts, capacity, kv or "f16", chunk)

    @property
    def variant(self) -> Variant:
        """The kernels' form on this device."""
        return Variant.of(self.facts.features, self.tuning)

    def ring(self, layer: LayerConfig) -> int:
        """Positions that a layer's cache holds: all, or a ring for sliding layers of long contexts."""
        if not layer.sliding or self.capacity <= self.whole_limit:
            return self.capacity
        return min(self.capacity, self.config.window + self.chunk + LOOKAHEAD)

    def splits(self, layer: LayerConfig) -> int:
        """Groups over which one token's attention is spread, by the most keys that it may see."""
        keys = min(self.window(layer), self.capacity)
        if self.merges_on_the_way(layer):
            return self._window_splits(layer)
        return max(1, min(MOST_SPLITS, keys // SPLIT_KEYS))

    def merges_on_the_way(self, layer: LayerConfig) -> bool:
        """Whether the matrix after one token's attention merges its splits: a window's, of heads that fit."""
        width = self.config.heads * layer.head_dim
        source = Source("splits", splits=1, head_dim=layer.head_dim)
        staged = (
            source.workgroup_bytes(width) + width + OTHER_BYTES
        )  # and x's codes, where it has any
        fits = width % BLOCK == 0 and staged <= WORKGROUP_BYTES
        return layer.sliding and fits and self._window_splits(layer) > 1

    def _window_splits(self, layer: LayerConfig) -> int:
        """Splits of a window's keys; adapters that compute in software have no lanes to keep busy."""
        each = SPLIT_KEYS if self.facts.is_software else WINDOW_SPLIT_KEYS
        return min(MOST_MERGED, -(-min(self.window(layer), self.capacity) // each))

    def window(self, layer: LayerConfig) -> int:
        """Keys that a layer's query may see, itself included."""
        return self.config.window if layer.sliding else NO_WINDOW

    def cache_buffers(self) -> tuple[Buffer, ...]:
        """K and V of every layer that owns them."""
        return tuple(
            Buffer(f"{name}.{index}", self._cache_bytes(layer), "cache")
            for index, layer in enumerate(self.config.layers)
            if layer.kv_source == index
            for name in ("k", "v")
        )

    def rings(self) -> tuple[Buffer, ...]:
        """Those of the cache's buffers that are rings and forget; none in a short context."""
        ringed = {
            index
            for index, layer in enumerate(self.config.layers)
            if self.ring(layer) < self.capacity
        }
        return tuple(
            one for one in self.cache_buffers() if int(one.name.partition(".")[2]) in ringed
        )

    def _cache_bytes(self, layer: LayerConfig) -> int:
        return self.ring(layer) * layer.kv_heads * kv_row_words(self.kv, layer.head_dim) * 4

    def state_buffers(self) -> tuple[Buffer, ...]:
        """What lives from pass to pass beside the cache: state, ids, reply, candidates, rope tables."""
        candidates = slabs(self.config.vocab) * MAX_CANDIDATES * 8
        sizes = {
            "state": STATE_BYTES,
            "ids": 4 * max(self.chunk, 2),
            "row.ids": 4 * self.chunk,
            "reply": 4 * REPLY,
            "top": 8 * MAX_CANDIDATES,
            "candidates": candidates,
        }
        for name, sliding in (("rope.sliding", True), ("rope.full", False)):
            dims = [layer.head_dim for layer in self.config.layers if layer.sliding == sliding]
            if dims:
                rope = self.config.rope_sliding if sliding else self.config.rope_full
                size = rope_rows(self.capacity) * max(1, rope_pairs(rope, dims[0])) * 8
                sizes[name] = size
        return tuple(Buffer(name, size, "state") for name, size in sizes.items())

    def scratch_buffers(self, tokens: int, scored: bool) -> tuple[Buffer, ...]:
        """Activations of a pass over `tokens` tokens; `logits` of one token, or `scores` of all."""
        config = self.config
        heads = max(config.heads * layer.head_dim for layer in config.layers)
        qkv = max((config.heads + 2 * layer.kv_heads) * layer.head_dim for layer in config.layers)
        wide = max(layer.intermediate for layer in config.layers)
        ple = len(config.layers) * config.ple_dim
        widths = {
            "h": config.hidden, "normed": config.hidden, "branch": config.hidden,
            "qkv": qkv, "attended": heads,
            "gate_up": max(2 * wide, config.ple_dim), "gated": max(wide, config.ple_dim),
            "ple.context": ple, "ple.token": ple,
        }  # fmt: skip
        buffers = [
            Buffer(name, 4 * prod((tokens, width))) for name, width in widths.items() if width
        ]
        # two names: a pass that outgrows a buffer would replace it under another program
        logits = ("scores", tokens) if scored else ("logits", 1)
        buffers.append(Buffer("h.next", 4 * config.hidden))
        buffers.append(Buffer("carried", carried_bytes(tokens, config.heads)))
        parts = [
            part_bytes(config.heads, layer.head_dim, self.splits(layer))
            for layer in config.layers
            if self.splits(layer) > 1 or self.merges_on_the_way(layer)
        ]
        if parts:
            buffers.append(Buffer("attended.parts", max(parts)))
        return (*buffers, Buffer(logits[0], 4 * logits[1] * config.vocab))

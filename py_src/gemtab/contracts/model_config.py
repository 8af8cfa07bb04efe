"""What the engine needs to know of a model, read from a Hugging Face `config.json`.

Both layouts are read: the released one (`global_head_dim` beside `head_dim`) and the one that newer
transformers write (`per_layer_config`, overrides by layer). What cannot be run is refused by name.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gemtab.contracts.errors import CheckpointError
from gemtab.contracts.gemma3_config import GEMMA3, as_gemma4
from gemtab.contracts.layer_types import FULL, SLIDING

GEMMA4 = ("Gemma4ForConditionalGeneration", "Gemma4ForCausalLM")


@dataclass(frozen=True)
class Rope:
    """Rotary embedding of one layer type: theta, the share of the head's pairs that turn, and by what
    positions are divided.
    """

    theta: float
    partial: float = 1.0
    factor: float = 1.0


@dataclass(frozen=True)
class LayerConfig:
    """One decoder layer. `kv_source` is the layer whose K and V it reads (itself if it owns them)."""

    sliding: bool
    head_dim: int
    kv_heads: int
    intermediate: int
    kv_source: int


@dataclass(frozen=True)
class ModelConfig:
    """A text decoder's sizes. `ple_dim` 0 means no per-layer embeddings; softcap 0 means none.

    Gemma 3 has neither a norm of values (`v_norm`) nor a scalar of each layer (`layer_scalar`).
    """

    vocab: int
    hidden: int
    heads: int
    window: int
    max_position: int
    eps: float
    softcap: float
    ple_dim: int
    ple_vocab: int
    tied: bool
    rope_sliding: Rope
    rope_full: Rope
    layers: tuple[LayerConfig, ...]
    bos_id: int
    pad_id: int
    v_norm: bool = True
    layer_scalar: bool = True

    @property
    def owners(self) -> int:
        """How many of the first layers own K and V; the rest share theirs."""
        return sum(layer.kv_source == index for index, layer in enumerate(self.layers))

    def rope(self, layer: LayerConfig) -> Rope:
        """The rotary embedding of a layer's type."""
        return self.rope_sliding if layer.sliding else self.rope_full

    def to_json(self) -> dict[str, Any]:
        """Plain data for the manifest."""
        return asdict(self)


def read_model_config(config: Mapping[str, Any]) -> ModelConfig:
    """The text decoder described by a checkpoint's `config.json`; CheckpointError if it cannot run."""
    names = config.get("architectures") or [None]
    if names[0] not in (*GEMMA4, *GEMMA3):
        raise CheckpointError(
            f"config.json names the architecture {names[0]!r}; Gemtab runs {', '.join((*GEMMA4, *GEMMA3))}."
        )
    method = (config.get("quantization_config") or {}).get("quant_method", "gemma")
    if method != "gemma":
        raise CheckpointError(
            f"config.json names the quantization {method!r}; Gemtab reads 'gemma' and unquantized weights."
        )
    text = config.get("text_config", config)
    gemma4 = names[0] in GEMMA4
    if not gemma4:
        text = as_gemma4(text)
    _refuse_what_cannot_run(text)
    types = _layer_types(text)
    if gemma4:
        types[-1] = FULL  # transformers forces the last layer so
    ropes = text.get("rope_parameters") or {}
    return ModelConfig(
        vocab=text["vocab_size"],
        hidden=text["hidden_size"],
        heads=text["num_attention_heads"],
        window=text["sliding_window"],
        max_position=text.get("max_position_embeddings", 131072),
        eps=text.get("rms_norm_eps", 1e-6),
        softcap=text.get("final_logit_softcapping") or 0.0,
        ple_dim=text.get("hidden_size_per_layer_input") or 0,
        ple_vocab=text.get("vocab_size_per_layer_input", text["vocab_size"]),
        tied=config.get("tie_word_embeddings", text.get("tie_word_embeddings", True)),
        rope_sliding=_rope(ropes.get(SLIDING) or {"rope_theta": 1e4}, SLIDING),
        rope_full=_rope(
            ropes.get(FULL)
            or {"rope_theta": 1e6, "partial_rotary_factor": 0.25, "rope_type": "proportional"},
            FULL,
        ),
        layers=_layers(text, types),
        bos_id=2 if text.get("bos_token_id") is None else text["bos_token_id"],
        pad_id=text.get("pad_token_id") or 0,
        v_norm=gemma4,
        layer_scalar=gemma4,
    )


def _refuse_what_cannot_run(text: Mapping[str, Any]) -> None:
    """CheckpointError for the features of the Gemma 4 family that Gemtab does not run."""
    refused = {
        "enable_moe_block": "mixture-of-experts layers",
        "attention_k_eq_v": "values that are the keys (attention_k_eq_v)",
        "attention_bias": "biases in attention",
    }
    for key, what in refused.items():
        if text.get(key):
            raise CheckpointError(f"config.json sets {key}: Gemtab does not run {what}.")
    if text.get("use_bidirectional_attention") == "all":
        raise CheckpointError(
            "config.json sets use_bidirectional_attention 'all'; Gemtab runs causal text models."
        )
    activation = text.get("hidden_activation", "gelu_pytorch_tanh")
    if activation != "gelu_pytorch_tanh":
        raise CheckpointError(
            f"config.json names hidden_activation {activation!r}; Gemtab runs gelu_pytorch_tanh."
        )


def _layer_types(text: Mapping[str, Any]) -> list[str]:
    count, period = text["num_hidden_layers"], text.get("sliding_window_pattern") or 6
    usual = [SLIDING if (i + 1) % period else FULL for i in range(count)]
    types = list(text.get("layer_types") or usual)
    if len(types) != count or set(types) - {SLIDING, FULL}:
        raise CheckpointError(
            f"config.json: layer_types must name {count} layers, each {SLIDING} or {FULL}."
        )
    return types


def _layers(text: Mapping[str, Any], types: list[str]) -> tuple[LayerConfig, ...]:
    owners = len(types) - (text.get("num_kv_shared_layers") or 0)
    overrides = _overrides(text, types)
    layers = []
    for index, kind in enumerate(types):
        own = overrides.get(index, {})
        shared = index >= owners
        wide = 2 if shared and text.get("use_double_wide_mlp") else 1
        layers.append(
            LayerConfig(
                sliding=kind == SLIDING,
                head_dim=own.get("head_dim", text["head_dim"]),
                kv_heads=own.get("num_key_value_heads", text["num_key_value_heads"]),
                intermediate=own.get("intermediate_size", text["intermediate_size"]) * wide,
                kv_source=_source(types, owners, kind) if shared else index,
            )
        )
    return tuple(layers)


def _source(types: list[str], owners: int, kind: str) -> int:
    """The last owner of the same type: the layer whose K and V a shared layer reads."""
    for index in range(owners - 1, -1, -1):
        if types[index] == kind:
            return index
    raise CheckpointError(
        f"config.json: layers from {owners} on share keys and values, but no earlier layer is {kind}."
    )


def _overrides(text: Mapping[str, Any], types: list[str]) -> dict[int, Mapping[str, Any]]:
    """What single layers set otherwise, from either layout of the config."""
    given = text.get("per_layer_config")
    if given is None:
        full_dim = text.get("global_head_dim") or 512
        return {i: {"head_dim": full_dim} for i, kind in enumerate(types) if kind == FULL}
    known = {"head_dim", "num_key_value_heads", "intermediate_size"}
    for index, own in given.items():
        for key in set(own) - known:
            if own[key] != text.get(key):
                raise CheckpointError(
                    f"config.json: per_layer_config[{index}] sets {key}, which Gemtab does not vary by layer."
                )
    return {int(index): own for index, own in given.items()}


def _rope(parameters: Mapping[str, Any], kind: str) -> Rope:
    rope_type = parameters.get("rope_type", "default")
    if rope_type not in ("default", "proportional", "linear"):
        raise CheckpointError(
            f"config.json: rope_type {rope_type!r} of {kind}; Gemtab runs default, proportional and linear."
        )
    factor = float(parameters.get("factor", 1.0))
    if factor != 1.0 and rope_type != "linear":
        raise CheckpointError(
            f"config.json: a rope factor of {factor} for {kind}; Gemtab runs 1, but for linear."
        )
    if not factor > 0:
        raise CheckpointError(f"config.json: a rope factor of {factor} for {kind} is not above 0.")
    partial = (
        float(parameters.get("partial_rotary_factor", 1.0)) if rope_type == "proportional" else 1.0
    )
    return Rope(float(parameters.get("rope_theta", 1e4)), partial, factor)

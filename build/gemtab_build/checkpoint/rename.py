"""Hugging Face's names of tensors and ours, both ways."""

from collections.abc import Mapping

from gemtab.contracts import names
from gemtab.contracts.errors import CheckpointError
from gemtab.contracts.model_config import ModelConfig
from gemtab_build.checkpoint.stored import BYTE_DTYPES, StoredTensor

PREFIXES = (  # ForConditionalGeneration, ForCausalLM, and the former as Gemma 3 was published
    "model.language_model.", "model.", "language_model.model.",
)  # fmt: skip
TOWERS = (
    "model.vision_tower.", "model.audio_tower.", "model.embed_vision.", "model.embed_audio.",
    "model.multi_modal_projector.", "vision_tower.", "multi_modal_projector.",
)  # fmt: skip
TOP = {
    "embed_tokens.weight": names.EMBED,
    "embed_tokens_per_layer.weight": names.PLE_EMBED,
    "per_layer_model_projection.weight": names.PLE_PROJECTION,
    "per_layer_projection_norm.weight": names.PLE_NORM,
    "norm.weight": names.FINAL_NORM,
}
IN_LAYER = {
    "self_attn.q_proj.weight": "q",
    "self_attn.k_proj.weight": "k",
    "self_attn.v_proj.weight": "v",
    "self_attn.o_proj.weight": "o",
    "self_attn.q_norm.weight": "q_norm",
    "self_attn.k_norm.weight": "k_norm",
    "mlp.gate_proj.weight": "gate",
    "mlp.up_proj.weight": "up",
    "mlp.down_proj.weight": "down",
    "input_layernorm.weight": "attention_norm",
    "post_attention_layernorm.weight": "post_attention_norm",
    "pre_feedforward_layernorm.weight": "mlp_norm",
    "post_feedforward_layernorm.weight": "post_mlp_norm",
    "per_layer_input_gate.weight": "ple_gate",
    "per_layer_projection.weight": "ple_out",
    "post_per_layer_input_norm.weight": "post_ple_norm",
    "layer_scalar": "scalar",
}
_TOP_BACK = {ours: theirs for theirs, ours in TOP.items()}
_LAYER_BACK = {ours: theirs for theirs, ours in IN_LAYER.items()}
SHARED = ("k", "v", "k_norm")
QUANTIZED = ".embedding_quantized"  # what a packed embedding calls its weight
BESIDE = (  # what lies beside a packed weight
    ".weight_scale", ".embedding_scale", ".input_activation_scale", ".output_activation_scale",
    ".k_cache_scale", ".v_cache_scale",
)  # fmt: skip


def our_name(theirs: str) -> str | None:
    """Our name of a tensor of either layout, or None where it is none of the text decoder's."""
    if theirs == "lm_head.weight":
        return names.HEAD
    prefix = next((p for p in PREFIXES if theirs.startswith(p)), None)
    if prefix is None:
        return None
    rest = theirs.removeprefix(prefix)
    if rest.endswith(QUANTIZED):
        rest = rest.removesuffix(QUANTIZED) + ".weight"
    if rest in TOP:
        return TOP[rest]
    word, _, rest = rest.partition(".")
    index, _, rest = rest.partition(".")
    if word == "layers" and index.isdecimal() and rest in IN_LAYER:
        return names.layer(int(index), IN_LAYER[rest])
    return None


def their_name(ours: str) -> str:
    """The name of a tensor of ours in a Gemma4ForCausalLM checkpoint."""
    if ours == names.HEAD:
        return "lm_head.weight"
    if ours in _TOP_BACK:
        return f"model.{_TOP_BACK[ours]}"
    _, index, part = ours.split(".", 2)
    return f"model.layers.{index}.{_LAYER_BACK[part]}"


def match_tensors(
    stored: Mapping[str, StoredTensor], config: ModelConfig
) -> tuple[dict[str, str], tuple[str, ...]]:
    """{our name: theirs} of every tensor that the config asks for, and notes on those left out.

    A tensor that is missing or of another shape is a CheckpointError.
    """
    shapes = names.tensor_shapes(config)
    found: dict[str, str] = {}
    unknown: list[str] = []
    towers = 0
    for theirs in stored:
        ours = our_name(theirs)
        if ours in shapes and ours not in found:
            found[ours] = theirs
        elif theirs.startswith(TOWERS):
            towers += 1
        elif not theirs.endswith(BESIDE) and not _is_implied(ours, config):
            unknown.append(theirs)
    for ours, shape in shapes.items():
        _check(ours, shape, stored.get(found.get(ours, "")), found.get(ours))
    notes = [f"left out: {towers} tensors of the vision and audio towers"] if towers else []
    notes += [f"left out: {name}, which Gemtab does not know" for name in unknown]
    return {ours: found[ours] for ours in shapes}, tuple(notes)


def _is_implied(ours: str | None, config: ModelConfig) -> bool:
    """Whether a tensor is dropped without a word: a tied head; k and v of a layer that shares."""
    if ours is None:
        return False
    if ours == names.HEAD:
        return config.tied
    parts = ours.split(".")
    known = parts[0] == "layers" and int(parts[1]) < len(config.layers)
    return known and parts[2] in SHARED


def _check(
    ours: str, shape: tuple[int, ...], stored: StoredTensor | None, name: str | None
) -> None:
    if stored is None:
        raise CheckpointError(
            f"The checkpoint has no {their_name(ours)}, which its config.json calls for. "
            f"Download it again, or mend its config.json."
        )
    if stored.dtype in BYTE_DTYPES:
        return  # packed, which packed.py checks
    if stored.shape != shape and not (shape == (1,) and stored.shape == ()):
        raise CheckpointError(
            f"{name} has the shape {list(stored.shape)}, config.json calls for {list(shape)}. "
            f"Take config.json and weights from the same model."
        )

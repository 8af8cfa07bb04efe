"""What each published form of E2B stores: dtypes, packed shapes, and the config that says so."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from helpers.e2b_shapes import TEXT, Shape, tensor_shapes

FORMS = ("bf16", "qat-q4_0", "mobile")
BYTES = {"F32": 4, "BF16": 2, "I8": 1, "U8": 1}
ORDER = list(BYTES)  # in which safetensors writes tensors: by dtype, then by name
UNPACKED = (  # what the mobile form keeps in bf16
    "patch_embedder", "subsample_conv_projection", "audio_tower.output_proj", "relative_k_proj",
    "embed_audio", "embed_vision", "per_layer_model_projection",
)  # fmt: skip


@dataclass(frozen=True)
class Stored:
    """A tensor of a file: dtype and shape as stored; `bits` of its codes, 0 where it is not packed."""

    dtype: str
    shape: Shape
    bits: int = 0

    @property
    def size(self) -> int:
        """Its bytes."""
        return BYTES[self.dtype] * prod(self.shape)


def stored_tensors(form: str, config: Mapping[str, Any]) -> dict[str, Stored]:
    """{name: tensor} of a form, in the order of the file."""
    shapes = tensor_shapes(config)
    if form == "mobile":
        found = _packed(shapes, config)
    else:
        found = {name: Stored("BF16", shape) for name, shape in shapes.items()}
    return dict(sorted(found.items(), key=lambda item: (ORDER.index(item[1].dtype), item[0])))


def form_config(form: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """The config.json of a form, from that of the bf16 one."""
    if form != "mobile":
        return dict(config)
    quantization = {
        "quant_method": "gemma",
        "num_bits": 4,
        "quantize_embeddings": True,
        "module_quant_configs": {
            pattern: {"num_bits": bits} for pattern, bits in _bits(config).items()
        },
        "modules_to_not_convert": list(UNPACKED),
    }
    text = {**config["text_config"], "tie_word_embeddings": False}
    untied = {"tie_word_embeddings": False, "text_config": text}
    return {**config, **untied, "quantization_config": quantization}


def _bits(config: Mapping[str, Any]) -> dict[str, int]:
    """Patterns of module names and the bits of what they match; the leftmost match in a name wins."""
    text = config["text_config"]
    owners = text["num_hidden_layers"] - text["num_kv_shared_layers"]
    own = "|".join(map(str, range(owners)))
    return {
        "^lm_head$": 2,
        "embed_tokens$": 2,
        "embed_tokens_per_layer$": 4,
        rf"language_model\.layers\.({own})\.mlp": 4,
        r"language_model\.layers\.\d+\.mlp": 2,
        r"per_layer_input_gate|per_layer_projection": 8,
        "self_attn": 4,
        "vision_tower": 8,
        r"audio_tower(?!.*linear_start)": 2,
        "linear_start": 4,
    }


def _packed(shapes: Mapping[str, Shape], config: Mapping[str, Any]) -> dict[str, Stored]:
    """The mobile form: codes, scales by row, steps of the activations' grids; an own head."""
    patterns = _bits(config)
    layers = config["text_config"]["num_hidden_layers"]
    found: dict[str, Stored] = {}
    for name, shape in {**shapes, "lm_head.weight": shapes[f"{TEXT}embed_tokens.weight"]}.items():
        module = name.removesuffix(".weight")
        kept = len(shape) != 2 or module == name or any(part in name for part in UNPACKED)
        if kept:
            found[name] = Stored("BF16", shape)
        else:
            found |= _codes(module, shape, _first_match(patterns, module), layers)
    own = layers - config["text_config"]["num_kv_shared_layers"]
    for index in range(own):
        for side in "kv":
            found[f"{TEXT}layers.{index}.self_attn.{side}_cache_scale"] = Stored("F32", ())
    return found


def _first_match(patterns: Mapping[str, int], module: str) -> int:
    """The bits of the pattern that matches farthest to the left; of several there, the first."""
    matches = [(re.search(pattern, module), bits) for pattern, bits in patterns.items()]
    return min(
        (match.start(), order, bits) for order, (match, bits) in enumerate(matches) if match
    )[2]


def _codes(module: str, shape: Shape, bits: int, layers: int) -> dict[str, Stored]:
    packed = (shape[0], shape[1] * bits // 8)
    codes = Stored("I8" if bits == 8 else "U8", packed, bits)
    if "embed_tokens" in module:
        groups = layers if module.endswith("per_layer") else 1
        return {
            f"{module}.embedding_quantized": codes,
            f"{module}.embedding_scale": Stored("F32", (shape[0], groups)),
        }
    return {
        f"{module}.weight": codes,
        f"{module}.weight_scale": Stored("F32", (shape[0], 1)),
        f"{module}.input_activation_scale": Stored("F32", ()),
        f"{module}.output_activation_scale": Stored("F32", ()),
    }

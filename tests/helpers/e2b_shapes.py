"""Every tensor of a Gemma 4 with towers as google/gemma-4-E2B-it has them: 2011 names and shapes at its size."""

from collections.abc import Iterator, Mapping
from typing import Any

Shape = tuple[int, ...]
Named = Iterator[tuple[str, Shape]]
TEXT, VISION, AUDIO = "model.language_model.", "model.vision_tower.", "model.audio_tower."
CLIPS = ("input_min", "input_max", "output_min", "output_max")
MELS = 128  # bins of the audio front end, halved twice before its linear


def tensor_shapes(config: Mapping[str, Any]) -> dict[str, Shape]:
    """{name: shape} for a config.json of Gemma4ForConditionalGeneration, in the order of names."""
    text, vision, audio = (config[f"{part}_config"] for part in ("text", "vision", "audio"))
    shapes = dict(_text(text)) | dict(_vision(vision)) | dict(_audio(audio))
    hidden = text["hidden_size"]
    shapes["model.embed_vision.embedding_projection.weight"] = (hidden, vision["hidden_size"])
    shapes["model.embed_audio.embedding_projection.weight"] = (hidden, audio["output_proj_dims"])
    return dict(sorted(shapes.items()))


def _text(text: Mapping[str, Any]) -> Named:
    hidden, ple = text["hidden_size"], text["hidden_size_per_layer_input"]
    wide = text["num_hidden_layers"] * ple
    yield f"{TEXT}embed_tokens.weight", (text["vocab_size"], hidden)
    yield f"{TEXT}embed_tokens_per_layer.weight", (text["vocab_size_per_layer_input"], wide)
    yield f"{TEXT}per_layer_model_projection.weight", (wide, hidden)
    yield f"{TEXT}per_layer_projection_norm.weight", (ple,)
    yield f"{TEXT}norm.weight", (hidden,)
    for index in range(text["num_hidden_layers"]):
        for name, shape in _text_layer(text, index):
            yield f"{TEXT}layers.{index}.{name}", shape


def _text_layer(text: Mapping[str, Any], index: int) -> Named:
    """A decoder layer. Those that share keys and values have their own in the file all the same."""
    hidden, ple = text["hidden_size"], text["hidden_size_per_layer_input"]
    full = text["layer_types"][index] == "full_attention"
    dim = text["global_head_dim"] if full else text["head_dim"]
    heads, kv_heads = text["num_attention_heads"], text["num_key_value_heads"]
    shared = index >= text["num_hidden_layers"] - text["num_kv_shared_layers"]
    wide = text["intermediate_size"] * (2 if shared and text["use_double_wide_mlp"] else 1)
    for norm in ("input", "post_attention", "pre_feedforward", "post_feedforward"):
        yield f"{norm}_layernorm.weight", (hidden,)
    yield "post_per_layer_input_norm.weight", (hidden,)
    yield "layer_scalar", (1,)
    yield "self_attn.q_proj.weight", (heads * dim, hidden)
    yield "self_attn.k_proj.weight", (kv_heads * dim, hidden)
    yield "self_attn.v_proj.weight", (kv_heads * dim, hidden)
    yield "self_attn.o_proj.weight", (hidden, heads * dim)
    yield "self_attn.q_norm.weight", (dim,)
    yield "self_attn.k_norm.weight", (dim,)
    yield "mlp.gate_proj.weight", (wide, hidden)
    yield "mlp.up_proj.weight", (wide, hidden)
    yield "mlp.down_proj.weight", (hidden, wide)
    yield "per_layer_input_gate.weight", (ple, hidden)
    yield "per_layer_projection.weight", (hidden, ple)


def _vision(vision: Mapping[str, Any]) -> Named:
    hidden, wide = vision["hidden_size"], vision["intermediate_size"]
    patch = 3 * vision["patch_size"] ** 2
    yield f"{VISION}patch_embedder.input_proj.weight", (hidden, patch)
    table = (2, vision["position_embedding_size"], hidden)
    yield f"{VISION}patch_embedder.position_embedding_table", table
    for index in range(vision["num_hidden_layers"]):
        layer = f"{VISION}encoder.layers.{index}."
        for norm in ("input", "post_attention", "pre_feedforward", "post_feedforward"):
            yield f"{layer}{norm}_layernorm.weight", (hidden,)
        for part in "qkvo":
            yield from _clipped(f"{layer}self_attn.{part}_proj", (hidden, hidden))
        yield f"{layer}self_attn.q_norm.weight", (vision["head_dim"],)
        yield f"{layer}self_attn.k_norm.weight", (vision["head_dim"],)
        yield from _clipped(f"{layer}mlp.gate_proj", (wide, hidden))
        yield from _clipped(f"{layer}mlp.up_proj", (wide, hidden))
        yield from _clipped(f"{layer}mlp.down_proj", (hidden, wide))


def _audio(audio: Mapping[str, Any]) -> Named:
    hidden, channels = audio["hidden_size"], audio["subsampling_conv_channels"]
    front = f"{AUDIO}subsample_conv_projection."
    for index, (before, after) in enumerate(zip((1, channels[0]), channels, strict=True)):
        yield f"{front}layer{index}.conv.weight", (after, before, 3, 3)
        yield f"{front}layer{index}.norm.weight", (after,)
    yield f"{front}input_proj_linear.weight", (hidden, channels[1] * MELS // 4)
    for index in range(audio["num_hidden_layers"]):
        for name, shape in _audio_layer(audio):
            yield f"{AUDIO}layers.{index}.{name}", shape
    yield f"{AUDIO}output_proj.weight", (audio["output_proj_dims"], hidden)
    yield f"{AUDIO}output_proj.bias", (audio["output_proj_dims"],)


def _audio_layer(audio: Mapping[str, Any]) -> Named:
    hidden = audio["hidden_size"]
    for part in ("feed_forward1", "feed_forward2"):
        yield from _clipped(f"{part}.ffw_layer_1", (4 * hidden, hidden))
        yield from _clipped(f"{part}.ffw_layer_2", (hidden, 4 * hidden))
        yield f"{part}.pre_layer_norm.weight", (hidden,)
        yield f"{part}.post_layer_norm.weight", (hidden,)
    for part in ("q_proj", "k_proj", "v_proj", "post"):
        yield from _clipped(f"self_attn.{part}", (hidden, hidden))
    yield "self_attn.relative_k_proj.weight", (hidden, hidden)
    yield "self_attn.per_dim_scale", (hidden // audio["num_attention_heads"],)
    yield from _clipped("lconv1d.linear_start", (2 * hidden, hidden))
    yield from _clipped("lconv1d.linear_end", (hidden, hidden))
    yield "lconv1d.depthwise_conv1d.weight", (hidden, 1, audio["conv_kernel_size"])
    for norm in ("lconv1d.pre_layer_norm", "lconv1d.conv_norm"):
        yield f"{norm}.weight", (hidden,)
    for norm in ("norm_pre_attn", "norm_post_attn", "norm_out"):
        yield f"{norm}.weight", (hidden,)


def _clipped(name: str, shape: Shape) -> Named:
    """A linear with the ranges that its input and output are clamped to."""
    yield f"{name}.linear.weight", shape
    yield from ((f"{name}.{clip}", ()) for clip in CLIPS)

"""The forward pass for training: transformers' Gemma4ForCausalLM, same parameter names, batched lean."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from gemtab_build.demo import architecture as arch

Parameters = dict[str, Tensor]
LAYERS = len(arch.LAYER_TYPES)
OWNERS = LAYERS - arch.SHARED_LAYERS
PREFIX = "model."


def is_full(layer: int) -> bool:
    """True where the layer sees the whole context."""
    return arch.LAYER_TYPES[layer] == "full_attention"


def head_dim(layer: int) -> int:
    """The layer's head size."""
    return arch.FULL_HEAD_DIM if is_full(layer) else arch.SLIDING_HEAD_DIM


def source_layer(layer: int) -> int:
    """The layer whose K and V this one reads."""
    if layer < OWNERS:
        return layer
    return max(at for at in range(OWNERS) if is_full(at) == is_full(layer))


def shapes() -> dict[str, tuple[int, ...]]:
    """All tensors by name (without the prefix), linear weights [n_out, n_in]."""
    hidden, ple = arch.HIDDEN, arch.PER_LAYER_DIM
    found: dict[str, tuple[int, ...]] = {
        "embed_tokens.weight": (arch.VOCABULARY_TOKENS, hidden),
        "embed_tokens_per_layer.weight": (arch.VOCABULARY_TOKENS, LAYERS * ple),
        "per_layer_model_projection.weight": (LAYERS * ple, hidden),
        "per_layer_projection_norm.weight": (ple,),
        "norm.weight": (hidden,),
    }
    for layer in range(LAYERS):
        at, d = f"layers.{layer}.", head_dim(layer)
        wide = arch.INTERMEDIATE * (1 if layer < OWNERS else 2)
        found |= {
            at + "self_attn.q_proj.weight": (arch.HEADS * d, hidden),
            at + "self_attn.q_norm.weight": (d,),
            at + "self_attn.o_proj.weight": (hidden, arch.HEADS * d),
            at + "mlp.gate_proj.weight": (wide, hidden),
            at + "mlp.up_proj.weight": (wide, hidden),
            at + "mlp.down_proj.weight": (hidden, wide),
            at + "per_layer_input_gate.weight": (ple, hidden),
            at + "per_layer_projection.weight": (hidden, ple),
            at + "layer_scalar": (1,),
        }
        if layer < OWNERS:
            found |= {
                at + "self_attn.k_proj.weight": (d, hidden),
                at + "self_attn.v_proj.weight": (d, hidden),
                at + "self_attn.k_norm.weight": (d,),
            }
        for norm in ("input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm",
                     "post_feedforward_layernorm", "post_per_layer_input_norm"):  # fmt: skip
            found[f"{at}{norm}.weight"] = (hidden,)
    return found


def initial(seed: int) -> Parameters:
    """Random weights; the norms start so that attention logits and branches are moderate."""
    generator = torch.Generator().manual_seed(seed)
    made: Parameters = {}
    for name, shape in shapes().items():
        if len(shape) == 2:
            std = shape[1] ** -0.5
            if name == "embed_tokens.weight":
                std = 0.6 * arch.HIDDEN**-0.5
            if name == "embed_tokens_per_layer.weight":
                std = arch.PER_LAYER_DIM**-0.5
            made[name] = torch.randn(shape, generator=generator) * std
        elif name.endswith("k_norm.weight"):
            made[name] = torch.full(shape, 1.7 * shape[0] ** -0.5)
        elif "post_" in name:
            made[name] = torch.full(shape, 0.4)
        else:
            made[name] = torch.ones(shape)
    return made


def rms(x: Tensor, weight: Tensor | None = None) -> Tensor:
    """x [..., n] -> x of unit mean square, times weight [n]."""
    y = x * torch.rsqrt(x.square().mean(-1, keepdim=True) + arch.EPSILON)
    return y if weight is None else y * weight


def rope_tables(tokens: int, full: bool) -> tuple[Tensor, Tensor]:
    """cos and sin [tokens, head_dim] for positions from 0."""
    d = arch.FULL_HEAD_DIM if full else arch.SLIDING_HEAD_DIM
    theta = arch.FULL_THETA if full else arch.SLIDING_THETA
    frequencies = theta ** (-torch.arange(0, d, 2, dtype=torch.float64) / d)
    if full:
        frequencies[int(arch.FULL_ROTARY_FRACTION * d) // 2 :] = 0.0
    angles = torch.arange(tokens, dtype=torch.float64)[:, None] * frequencies
    angles = torch.cat([angles, angles], -1)
    return angles.cos().float(), angles.sin().float()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """x [batch, heads, tokens, head_dim] -> rotated by position."""
    low, high = x.chunk(2, -1)
    return x * cos + torch.cat([-high, low], -1) * sin


def forward(p: Parameters, ids: Tensor, picked: Tensor) -> Tensor:
    """ids [batch, tokens], picked: flat positions [n] -> softcapped logits [n, vocabulary]."""
    batch, tokens = ids.shape
    hidden, ple = arch.HIDDEN, arch.PER_LAYER_DIM
    h = F.embedding(ids, p["embed_tokens.weight"]) * math.sqrt(hidden)
    by_token = F.embedding(ids, p["embed_tokens_per_layer.weight"]) * math.sqrt(ple)
    context = F.linear(h, p["per_layer_model_projection.weight"]) * hidden**-0.5
    context = rms(context.view(batch, tokens, LAYERS, ple), p["per_layer_projection_norm.weight"])
    inputs = (context + by_token.view(batch, tokens, LAYERS, ple)) * 0.5**0.5
    at = torch.arange(tokens)
    causal = at[:, None] >= at[None, :]
    masks = {True: causal, False: causal & (at[:, None] - at[None, :] < arch.SLIDING_WINDOW)}
    ropes = {full: rope_tables(tokens, full) for full in (True, False)}
    kept: dict[int, tuple[Tensor, Tensor]] = {}
    for layer in range(LAYERS):
        w = f"layers.{layer}."
        full, d = is_full(layer), head_dim(layer)
        a = rms(h, p[w + "input_layernorm.weight"])
        q = F.linear(a, p[w + "self_attn.q_proj.weight"]).view(batch, tokens, arch.HEADS, d)
        q = rotate(rms(q, p[w + "self_attn.q_norm.weight"]).transpose(1, 2), *ropes[full])
        if layer < OWNERS:
            k = rms(F.linear(a, p[w + "self_attn.k_proj.weight"]), p[w + "self_attn.k_norm.weight"])
            v = rms(F.linear(a, p[w + "self_attn.v_proj.weight"]))
            kept[layer] = rotate(k[:, None], *ropes[full]), v[:, None]
        k, v = kept[source_layer(layer)]
        scores = (q @ k.transpose(-1, -2)).masked_fill(~masks[full], -1e30)
        o = (scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, tokens, -1)
        o = F.linear(o, p[w + "self_attn.o_proj.weight"])
        h = h + rms(o, p[w + "post_attention_layernorm.weight"])
        x = rms(h, p[w + "pre_feedforward_layernorm.weight"])
        gate = F.gelu(F.linear(x, p[w + "mlp.gate_proj.weight"]), approximate="tanh")
        m = F.linear(gate * F.linear(x, p[w + "mlp.up_proj.weight"]), p[w + "mlp.down_proj.weight"])
        h = h + rms(m, p[w + "post_feedforward_layernorm.weight"])
        g = F.gelu(F.linear(h, p[w + "per_layer_input_gate.weight"]), approximate="tanh")
        g = F.linear(g * inputs[:, :, layer], p[w + "per_layer_projection.weight"])
        h = (h + rms(g, p[w + "post_per_layer_input_norm.weight"])) * p[w + "layer_scalar"]
    y = rms(h.reshape(-1, hidden)[picked], p["norm.weight"])
    return arch.SOFTCAP * torch.tanh(F.linear(y, p["embed_tokens.weight"]) / arch.SOFTCAP)

"""The text decoder in float64 numpy, slow and obvious: SPEC 2, equation by equation."""

import numpy as np

from gemtab.contracts import names
from gemtab.contracts.model_config import ModelConfig


def rms(x, eps, weight=1.0):
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + eps) * weight


def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def rope(x, rope_config, positions):
    """x [tokens, heads, head_dim] turned by its positions, pairs half a head apart."""
    dim = x.shape[-1]
    turning = int(rope_config.partial * dim // 2)
    frequencies = np.zeros(dim // 2)
    frequencies[:turning] = rope_config.theta ** (-2 * np.arange(turning) / dim)
    frequencies /= rope_config.factor
    angles = positions[:, None, None] * frequencies
    low, high = x[..., : dim // 2], x[..., dim // 2 :]
    cos, sin = np.cos(angles), np.sin(angles)
    return np.concatenate([low * cos - high * sin, high * cos + low * sin], -1)


def attend(q, k, v, window):
    """q [tokens, heads, d], k and v [keys, kv_heads, d] -> [tokens, heads, d]: the last query sees all keys."""
    share = q.shape[1] // k.shape[1]
    _, weights = attention(q, np.repeat(k, share, 1), window)
    return np.einsum("hqk,khd->qhd", weights, np.repeat(v, share, 1))


def attention(q, k, window):
    """Scores and weights [heads, tokens, keys] of q [tokens, heads, d] and k [keys, heads, d], causal."""
    scores = np.einsum("qhd,khd->hqk", q, k)
    ages = len(k) - len(q) + np.arange(len(q))[:, None] - np.arange(len(k))[None]
    scores[:, (ages < 0) | (ages >= window)] = -np.inf
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return scores, weights / weights.sum(-1, keepdims=True)


def times(x, w):
    """x · Wᵀ; a matrix with a way of its own, such as SrqLinear, is called."""
    return w(x) if callable(w) else x @ w.T


def logits(config: ModelConfig, tensors: dict[str, np.ndarray], ids) -> np.ndarray:
    """Softcapped logits of every position: f64 [tokens, vocab]. Matrices may be callables."""
    w = {n: v if callable(v) else v.astype(np.float64) for n, v in tensors.items()}
    ids = np.asarray(ids)
    h = w[names.EMBED][ids] * config.hidden**0.5
    inputs = per_layer_inputs(config, w, ids, h)
    cache = {}
    for index in range(len(config.layers)):
        h = layer(config, w, index, h, inputs, cache)
    head = w[names.EMBED if config.tied else names.HEAD]
    out = times(rms(h, config.eps, w[names.FINAL_NORM]), head)
    return config.softcap * np.tanh(out / config.softcap) if config.softcap else out


def per_layer_inputs(config, w, ids, h):
    """[tokens, layers, ple_dim], or None."""
    if not config.ple_dim:
        return None
    shape = (len(ids), len(config.layers), config.ple_dim)
    token = (w[names.PLE_EMBED][ids] * config.ple_dim**0.5).reshape(shape)
    context = (h @ w[names.PLE_PROJECTION].T * config.hidden**-0.5).reshape(shape)
    return (rms(context, config.eps, w[names.PLE_NORM]) + token) * 0.5**0.5


def layer(config, w, index, h, inputs, cache):
    own = config.layers[index]
    part = {name: w[names.layer(index, name)] for name in layer_parts(w, index)}
    positions = np.arange(len(h))
    a = rms(h, config.eps, part["attention_norm"])

    def heads(x):
        return x.reshape(len(x), -1, own.head_dim)

    q = rope(
        rms(heads(times(a, part["q"])), config.eps, part["q_norm"]), config.rope(own), positions
    )
    if own.kv_source == index:
        k = rms(heads(times(a, part["k"])), config.eps, part["k_norm"])
        v = heads(times(a, part["v"]))
        if config.v_norm:
            v = rms(v, config.eps)
        cache[index] = rope(k, config.rope(own), positions), v
    window = config.window if own.sliding else len(h)
    attended = attend(q, *cache[own.kv_source], window).reshape(len(h), -1)
    h = h + rms(times(attended, part["o"]), config.eps, part["post_attention_norm"])
    x = rms(h, config.eps, part["mlp_norm"])
    m = times(gelu(times(x, part["gate"])) * times(x, part["up"]), part["down"])
    h = h + rms(m, config.eps, part["post_mlp_norm"])
    if config.ple_dim:
        g = gelu(times(h, part["ple_gate"])) * inputs[:, index]
        h = h + rms(times(g, part["ple_out"]), config.eps, part["post_ple_norm"])
    return h * part.get("scalar", 1.0)


def layer_parts(w, index):
    prefix = names.layer(index, "")
    return [name[len(prefix) :] for name in w if name.startswith(prefix)]

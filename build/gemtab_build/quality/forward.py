"""The text decoder in f32 numpy, all windows through one layer at a time: no GPU, no whole model in memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from gemtab.contracts import names
from gemtab.contracts.model_config import ModelConfig, Rope
from gemtab_build.arrays import Floats
from gemtab_build.progress import Report
from gemtab_build.quality.sources import Source, gather, tensor
from gemtab_build.quality.windows import Window

BATCH_TOKENS = 512  # windows go through a matrix together, as many as these tokens make
Watch = Callable[[str, Floats], None]  # a matrix's name, its inputs [tokens, n_in]


@dataclass
class Batch:
    """Some windows on their way: `h` [tokens, hidden], `inputs` [tokens, layers, ple_dim] or None."""

    spans: list[slice]
    h: Floats
    inputs: Floats | None
    cache: dict[int, tuple[Floats, Floats]] = field(default_factory=dict)


def final_states(
    source: Source,
    windows: Sequence[Window],
    watch: Watch = lambda *_: None,
    report: Report = lambda *_: None,
) -> Floats:
    """What the head multiplies, f32 [tokens of all windows, hidden], in the windows' order.

    `watch` sees the inputs of every matrix, the head too, batch by batch; what it keeps, it copies.
    """
    config = source.config
    batches = _embed(source, windows, watch)
    for index in range(len(config.layers)):
        report(f"layer {index}", index, len(config.layers))
        _attention(source, index, batches, watch)
        _mlp(source, index, batches, watch)
        if config.ple_dim:
            _per_layer(source, index, batches, watch)
        if config.layer_scalar:
            scalar = tensor(source, names.layer(index, "scalar"))
            for batch in batches:
                batch.h *= scalar
    norm = tensor(source, names.FINAL_NORM)
    states = np.concatenate([_rms(batch.h, config.eps) * norm for batch in batches])
    watch(names.EMBED if config.tied else names.HEAD, states)
    return states


def _embed(source: Source, windows: Sequence[Window], watch: Watch) -> list[Batch]:
    config = source.config
    batches = []
    groups: list[list[Window]] = [[]]
    for window in windows:
        if groups[-1] and sum(map(len, groups[-1])) + len(window) > BATCH_TOKENS:
            groups.append([])
        groups[-1].append(window)
    projection = tensor(source, names.PLE_PROJECTION) if config.ple_dim else None
    for group in groups:
        ids = np.concatenate(group)
        ends = np.cumsum([len(window) for window in group])
        spans = [slice(end - len(w), end) for w, end in zip(group, ends, strict=True)]
        h = gather(source, names.EMBED, ids) * np.float32(config.hidden**0.5)
        inputs = None
        if projection is not None:
            watch(names.PLE_PROJECTION, h)
            shape = (len(ids), len(config.layers), config.ple_dim)
            inputs = (_through(h, projection) * np.float32(config.hidden**-0.5)).reshape(shape)
            inputs = _rms(inputs, config.eps) * tensor(source, names.PLE_NORM)
            token = gather(source, names.PLE_EMBED, ids).reshape(shape)
            inputs += token * np.float32(config.ple_dim**0.5)
            inputs *= np.float32(0.5**0.5)
        batches.append(Batch(spans, h, inputs))
    return batches


def _attention(source: Source, index: int, batches: list[Batch], watch: Watch) -> None:
    config, own, part = source.config, source.config.layers[index], _parts(source, index)
    owner = own.kv_source == index
    q, o = part("q"), part("o")
    k, v = (part("k"), part("v")) if owner else (None, None)
    for batch in batches:
        a = _rms(batch.h, config.eps) * part("attention_norm")
        for name in ("q", "k", "v") if owner else ("q",):
            watch(names.layer(index, name), a)
        queries = _heads(_through(a, q), own.head_dim, config.eps) * part("q_norm")
        if k is not None and v is not None:
            keys = _heads(_through(a, k), own.head_dim, config.eps) * part("k_norm")
            values = _through(a, v).reshape(len(a), -1, own.head_dim)
            if config.v_norm:
                values = _rms(values, config.eps)
            batch.cache[index] = _rope(keys, config.rope(own), batch.spans), values
        queries = _rope(queries, config.rope(own), batch.spans)
        keys, values = batch.cache[own.kv_source]
        window = config.window if own.sliding else None
        attended = np.concatenate(
            [_attend(queries[s], keys[s], values[s], window) for s in batch.spans]
        )
        watch(names.layer(index, "o"), attended)
        batch.h += _rms(_through(attended, o), config.eps) * part("post_attention_norm")
        if not _is_read_later(config, index):
            batch.cache.pop(index, None)


def _mlp(source: Source, index: int, batches: list[Batch], watch: Watch) -> None:
    eps, part = source.config.eps, _parts(source, index)
    gate, up, down = part("gate"), part("up"), part("down")
    for batch in batches:
        x = _rms(batch.h, eps) * part("mlp_norm")
        watch(names.layer(index, "gate"), x)
        watch(names.layer(index, "up"), x)
        m = _gelu(_through(x, gate))
        m *= _through(x, up)
        watch(names.layer(index, "down"), m)
        batch.h += _rms(_through(m, down), eps) * part("post_mlp_norm")


def _per_layer(source: Source, index: int, batches: list[Batch], watch: Watch) -> None:
    eps, part = source.config.eps, _parts(source, index)
    gate, out = part("ple_gate"), part("ple_out")
    for batch in batches:
        assert batch.inputs is not None
        watch(names.layer(index, "ple_gate"), batch.h)
        g = _gelu(_through(batch.h, gate)) * batch.inputs[:, index]
        watch(names.layer(index, "ple_out"), g)
        batch.h += _rms(_through(g, out), eps) * part("post_ple_norm")


def _parts(source: Source, index: int) -> Callable[[str], Floats]:
    return lambda part: tensor(source, names.layer(index, part))


def _is_read_later(config: ModelConfig, index: int) -> bool:
    return any(layer.kv_source == index for layer in config.layers[index + 1 :])


def _through(x: Floats, matrix: Floats) -> Floats:
    """x [tokens, n_in] through a matrix [n_out, n_in]."""
    result: Floats = np.matmul(x, matrix.T)
    return result


def _rms(x: Floats, eps: float) -> Floats:
    scaled: Floats = x / np.sqrt(np.square(x).mean(-1, keepdims=True) + np.float32(eps))
    return scaled


def _gelu(x: Floats) -> Floats:
    inner = np.tanh(np.float32((2 / np.pi) ** 0.5) * (x + np.float32(0.044715) * x**3))
    result: Floats = np.float32(0.5) * x * (1 + inner)
    return result


def _heads(x: Floats, head_dim: int, eps: float) -> Floats:
    return _rms(x.reshape(len(x), -1, head_dim), eps)


def _rope(x: Floats, rope: Rope, spans: list[slice]) -> Floats:
    """x [tokens, heads, head_dim] turned by its positions, which begin at 0 in each span."""
    half = x.shape[-1] // 2
    turning = int(rope.partial * x.shape[-1] // 2)
    frequencies = np.zeros(half)
    frequencies[:turning] = rope.theta ** (-np.arange(turning) / half) / rope.factor
    positions = np.concatenate([np.arange(s.stop - s.start) for s in spans])
    angles = positions[:, None, None] * frequencies
    cos, sin = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
    low, high = x[..., :half], x[..., half:]
    return np.concatenate([low * cos - high * sin, high * cos + low * sin], axis=-1)


def _attend(q: Floats, k: Floats, v: Floats, window: int | None) -> Floats:
    """q [tokens, heads, d], k and v [tokens, kv_heads, d] -> [tokens, heads * d], causal."""
    tokens, heads, head_dim = q.shape
    share = heads // k.shape[1]
    ages = np.arange(tokens)[:, None] - np.arange(tokens)
    unseen = np.tile((ages < 0) | (ages >= (window or tokens)), (share, 1))
    out = np.empty_like(q)
    for kv_head in range(k.shape[1]):
        mine = slice(kv_head * share, (kv_head + 1) * share)
        stacked = (
            q[:, mine].transpose(1, 0, 2).reshape(-1, head_dim)
        )  # heads that share go together
        scores = _through(stacked, k[:, kv_head])
        scores[unseen] = -np.inf
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        found = np.matmul(weights, v[:, kv_head]) / weights.sum(axis=1, keepdims=True)
        out[:, mine] = found.reshape(share, tokens, head_dim).transpose(1, 0, 2)
    return out.reshape(tokens, -1)

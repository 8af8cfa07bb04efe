"""Cases of the kernels of attention: heads, attend, attend_chunk, merge."""

import numpy as np

from gemtab.contracts.program import Kernel, Step
from gemtab.contracts.quantization import kv_row_words
from gemtab.kernels.attend import Attend, Merge, part_bytes
from gemtab.kernels.attend_chunk import ROWS, AttendChunk, carried_bytes
from gemtab.kernels.heads import Heads, HeadShape
from gemtab.kernels.variant import LANES
from gemtab_build.known_answers.case import Case, Floats
from gemtab_build.known_answers.formulas import rms, turned
from gemtab_build.known_answers.variants import variant_of

EPS = 1e-6
KV_HEADS, SHARE = 2, 5  # key heads, and query heads of each: one workgroup of four, one of one
HEADS = KV_HEADS * SHARE
WINDOW = 2 * LANES + 13  # keys that a query sees: whole tiles and a ragged one
POSITION = 259  # behind the first rows of the rope's table
RING = 167  # rows; it has come round
TILE_TOKENS = ROWS // SHARE + 3  # a whole tile of rows and a ragged one
SPLITS = 3
ROPE_LOW_ROWS = 256  # common/rope.wgsl
UNLIKE = 7  # rows of a ring of q8, which then repeat
SPREAD = 4.0  # of scores, so that a weight tells of a small error of a query
SHOWN = 120  # values that are compared of what a chunk writes


def case_of_heads(kernel: Kernel) -> tuple[Case, Step]:
    """As many tokens as a workgroup has teams and one more: queries in place, K and V into the rings."""
    case, shape = Case(), _shape(kernel)
    tokens = LANES // (shape.head_dim // 8) + 1
    q, k, v = _made_heads(case, shape, tokens)
    size = 4 * kv_row_words(shape.encoding, shape.head_dim) * KV_HEADS * RING
    case.unwritten("k", size)
    case.unwritten("v", size)
    case.state(POSITION, tokens)
    d, error = shape.head_dim, _within(q)
    step = HEADS * d // 40 | 1
    first = (HEADS * d - 1) % step
    shown = q.reshape(tokens, HEADS * d)[:, first::step]
    case.expect(
        "qkv",
        shown[-2:],
        error,
        first=(tokens - 2) * shape.stride + first,
        step=step,
        pitch=shape.stride,
    )
    _expect_stored(case, shape, k, v)
    return case, Heads(shape).step(tokens, "", ())


def case_of_attend(kernel: Kernel) -> tuple[Case, Step]:
    """One token's heads against the keys before it."""
    raw = dict(kernel.includes).get("queries") == "queries_raw"
    case, shape = Case(), _shape(kernel)
    d = shape.head_dim
    if raw:
        made_q, new_k, new_v = _made_heads(case, shape, 1, SPREAD * d**-0.5)
    else:
        q = _ready(case, shape, 1)
    k, v = _ring(case, "k", shape), _ring(case, "v", shape)
    if raw:
        q, newest = made_q, POSITION % RING
        k[newest], v[newest] = _rounded(new_k[0], shape), _rounded(new_v[0], shape)
        _expect_stored(case, shape, new_k, new_v)
    case.state(POSITION, 1)
    _expect_attended(case, q, k, v)
    sets = int(dict(kernel.params)["SETS"])
    return case, Attend(shape, raw, sets=sets).step(1, "", ())


def case_of_attend_chunk(kernel: Kernel) -> tuple[Case, Step]:
    """Tokens of a tile of rows and of a ragged one, against the keys before them and themselves."""
    case, shape = Case(), _shape(kernel)
    q = _ready(case, shape, TILE_TOKENS)
    k, v = _ring(case, "k", shape), _ring(case, "v", shape)
    case.state(POSITION, TILE_TOKENS)
    _expect_attended(case, q, k, v)
    case.unwritten("carried", carried_bytes(TILE_TOKENS, HEADS))
    return case, AttendChunk(shape).step(TILE_TOKENS, "", ())


def case_of_merge(kernel: Kernel) -> tuple[Case, Step]:
    """The parts of two tokens' heads, of a ring that needs no shape of its own."""
    d, tokens = int(dict(kernel.params)["HEAD_DIM"]), 2
    shape = _head_shape("f32", d, kernel)
    case = Case()
    size = part_bytes(HEADS, d, SPLITS) * tokens
    parts = case.floats("parts", size // 4, 1.0, middle=2.5).reshape(tokens * HEADS, SPLITS, d + 4)
    case.unwritten("y", 4 * tokens * HEADS * d)
    case.state(POSITION, tokens)
    shrink = np.exp(parts[:, :, d] - parts[:, :, d].max(-1, keepdims=True))[:, :, None]
    sums, totals = (parts[:, :, :d] * shrink).sum(1), (parts[:, :, d + 1 : d + 2] * shrink).sum(1)
    y = sums / totals
    case.sample("y", y, 1e-5 * float(np.abs(y).max()))
    return case, Merge(shape, SPLITS).step(tokens, "", ())


def _expect_attended(case: Case, q: Floats, k: Floats, v: Floats) -> None:
    """y of queries [tokens, HEADS, d] over rings [RING, KV_HEADS, d]."""
    tokens = len(q)
    case.unwritten("y", 4 * q.size)
    y = np.empty_like(q)
    for token in range(tokens):
        last = POSITION + token
        seen = np.arange(last + 1 - WINDOW, last + 1) % RING
        for head in range(HEADS):
            scores = k[seen, head // SHARE] @ q[token, head]
            weights = np.exp(scores - scores.max())
            y[token, head] = weights / weights.sum() @ v[seen, head // SHARE]
    within = 1e-3 * float(np.abs(v).max())
    case.sample("y", y, within, most=SHOWN if tokens > 1 else SHOWN * 2 // 3)


def _shape(kernel: Kernel) -> HeadShape:
    encoding = dict(kernel.includes)["kv"].removeprefix("kv_")
    return _head_shape(encoding, int(dict(kernel.params)["HEAD_DIM"]), kernel)


def _head_shape(encoding: str, d: int, kernel: Kernel) -> HeadShape:
    pairs = max(4, d // 16 * 4)  # that turn: half of them, by fours
    return HeadShape(
        encoding, HEADS, KV_HEADS, d, (HEADS + 2 * KV_HEADS) * d, 0, d // 4, True, pairs, EPS,
        WINDOW, RING, True, variant_of(kernel),
    )  # fmt: skip


def _ready(case: Case, shape: HeadShape, tokens: int) -> Floats:
    """Fill qkv with queries that are ready; those [tokens, HEADS, d]."""
    d = shape.head_dim
    qkv = case.floats("qkv", tokens * shape.stride, SPREAD * d**-0.5).reshape(tokens, -1, d)
    return qkv[:, :HEADS]


def _made_heads(
    case: Case, shape: HeadShape, tokens: int, size: float = 1.0
) -> tuple[Floats, Floats, Floats]:
    """Fill what heads are made of: queries, with norms of that size, keys, values, [tokens, …, d] each."""
    d, pairs = shape.head_dim, shape.pairs
    qkv = case.floats("qkv", tokens * shape.stride, 2.0).reshape(tokens, HEADS + 2 * KV_HEADS, d)
    vectors = case.floats("vectors", 2 * d, size)
    rows = ROPE_LOW_ROWS + (POSITION + tokens - 1) // ROPE_LOW_ROWS + 1
    fours = case.floats("rope", rows * pairs * 2, 0.7).reshape(rows, pairs // 4, 2, 4)
    rope = fours.swapaxes(2, 3).reshape(rows, pairs, 2)
    q, k, v = np.split(qkv, (HEADS, HEADS + KV_HEADS), axis=1)
    q, k, v = rms(q, EPS, vectors[:d]), rms(k, EPS, vectors[d:]), rms(v, EPS)
    for token in range(tokens):
        position = POSITION + token
        angles = rope[position % ROPE_LOW_ROWS], rope[ROPE_LOW_ROWS + position // ROPE_LOW_ROWS]
        q[token], k[token] = turned(q[token], *angles), turned(k[token], *angles)
    return q, k, v


def _expect_stored(case: Case, shape: HeadShape, k: Floats, v: Floats) -> None:
    """Some of each row that K and V [tokens, KV_HEADS, d] take in the rings, and q8's scales."""
    tokens, _, d = k.shape
    first_row = POSITION % RING * KV_HEADS
    for slot, values in (("k", k), ("v", v)):
        rows = values.reshape(tokens * KV_HEADS, d)
        ends = np.unique([0, tokens * KV_HEADS - 1])  # the first and the last row
        pitch = int(ends[-1] - ends[0])
        if shape.encoding == "q8":
            scales = np.abs(rows).max(-1, keepdims=True) / 127
            words = d // 4 + 1
            case.expect(
                slot, scales, _within(scales), first=first_row * words + words - 1, pitch=words
            )
            codes, at = np.rint(rows / scales)[ends], 4 * words * first_row
            _expect_row(case, slot, codes, 1.0, "i8", at, 4 * words * pitch)
            continue
        rounding = 2e-3 * float(np.abs(values).max()) if shape.encoding == "f16" else 0.0
        within = _within(values) + rounding
        _expect_row(case, slot, rows[ends], within, shape.encoding, first_row * d, d * pitch)


def _expect_row(
    case: Case, slot: str, rows: Floats, within: float, kind: str, at: int, pitch: int
) -> None:
    """Some values of rows [rows, d], the last among them."""
    d = rows.shape[1]
    step = d // 20 | 1
    first = (d - 1) % step
    case.expect(slot, rows[:, first::step], within, kind, first=at + first, step=step, pitch=pitch)


def _ring(case: Case, slot: str, shape: HeadShape) -> Floats:
    """Fill a ring; its values [RING, KV_HEADS, d]."""
    d, rows = shape.head_dim, RING * KV_HEADS
    if shape.encoding != "q8":
        return case.floats(slot, rows * d, 1.0, shape.encoding).reshape(RING, KV_HEADS, d)
    scale = np.float32(1 / 64)
    data = case.rows(slot, rows * (d + 4), d + 4, UNLIKE, scale.tobytes())
    codes = np.frombuffer(data, np.int8).reshape(RING, KV_HEADS, d + 4)[..., :d]
    values: Floats = codes.astype(np.float64) * scale
    return values


def _rounded(heads: Floats, shape: HeadShape) -> Floats:
    """Heads of K or V [KV_HEADS, d] as the cache holds them."""
    if shape.encoding != "q8":
        return heads.astype({"f32": "<f4", "f16": "<f2"}[shape.encoding]).astype(np.float64)
    scale = np.abs(heads).max(-1, keepdims=True) / 127
    rounded: Floats = np.rint(heads / scale) * scale
    return rounded


def _within(values: Floats) -> float:
    return 5e-5 * float(np.abs(values).max())

"""Cases of the kernels of attention: heads, attend, attend_chunk."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gemtab.contracts.program import Kernel, Step
from gemtab.contracts.quantization import kv_row_words
from gemtab.kernels.attend import Attend
from gemtab.kernels.attend_chunk import AttendChunk
from gemtab.kernels.heads import NO_WINDOW, Heads, HeadShape
from gemtab_build.known_answers.case import Case, Floats
from gemtab_build.known_answers.formulas import rms, turned
from gemtab_build.known_answers.variants import variant_of

EPS = 1e-6
HEADS, PAIRS = 2, 4  # query heads on one key head; pairs of a head's values that turn
POSITION, RING = 70, 79  # more keys than lanes, and a ring that has not yet come round
ROPE_LOW_ROWS = 256  # common/rope.wgsl
UNLIKE = 3  # rows of a ring of q8, which then repeat
SPREAD = 4.0  # of scores, so that a weight tells of a small error of a query
SHOWN = 12  # values of a head that are compared


def case_of_heads(kernel: Kernel) -> tuple[Case, Step]:
    """One token's queries in place, its K and V into the rings."""
    case, shape = Case(), _shape(kernel)
    q, k, v = _made_heads(case, shape, POSITION)
    row = 4 * kv_row_words(shape.encoding, shape.head_dim)
    case.unwritten("k", RING * row)
    case.unwritten("v", RING * row)
    case.state(POSITION, 1)
    case.expect("qkv", q.reshape(-1)[-SHOWN:], _within(q), 4 * (q.size - SHOWN))
    _expect_stored(case, shape, k, v)
    return case, Heads(shape).step(1, "", ())


def case_of_attend(kernel: Kernel) -> tuple[Case, Step]:
    """One token's heads against the keys before it."""
    raw = dict(kernel.includes).get("queries") == "queries_raw"
    case, shape = Case(), _shape(kernel)
    d = shape.head_dim
    if raw:
        q, new_k, new_v = _made_heads(case, shape, POSITION, SPREAD * d**-0.5)
    else:
        q = case.floats("qkv", shape.stride, SPREAD * d**-0.5)[: HEADS * d].reshape(HEADS, d)
    k, v = (_ring(case, slot, shape)[: POSITION + 1] for slot in ("k", "v"))
    if raw:
        k[POSITION], v[POSITION] = _rounded(new_k, shape), _rounded(new_v, shape)
        _expect_stored(case, shape, new_k, new_v)
    _expect_attended(case, q, k, v)
    return case, Attend(shape, raw).step(1, "", ())


def case_of_attend_chunk(kernel: Kernel) -> tuple[Case, Step]:
    """One token's heads, two rows of a tile, against the keys before it and itself."""
    case, shape = Case(), _shape(kernel)
    d = shape.head_dim
    q = case.floats("qkv", shape.stride, SPREAD * d**-0.5)[: HEADS * d].reshape(HEADS, d)
    k, v = (_ring(case, slot, shape)[: POSITION + 1] for slot in ("k", "v"))
    _expect_attended(case, q, k, v)
    return case, AttendChunk(shape).step(1, "", ())


def _expect_attended(case: Case, q: Floats, k: Floats, v: Floats) -> None:
    """The end of y: a part of the last head."""
    d = q.shape[-1]
    case.unwritten("y", 4 * HEADS * d)
    case.state(POSITION, 1)
    scores = q @ k.T
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    y = weights / weights.sum(-1, keepdims=True) @ v
    within = 1e-3 * float(np.abs(v).max())
    case.expect("y", y[-1, :SHOWN], within, 4 * d * (HEADS - 1))


def _shape(kernel: Kernel) -> HeadShape:
    d = int(dict(kernel.params)["HEAD_DIM"])
    encoding = dict(kernel.includes)["kv"].removeprefix("kv_")
    return HeadShape(
        encoding, HEADS, 1, d, (HEADS + 2) * d, 0, d // 4, True, PAIRS, EPS, NO_WINDOW, RING, True,
        variant_of(kernel),
    )  # fmt: skip


def _made_heads(
    case: Case, shape: HeadShape, position: int, size: float = 1.0
) -> tuple[Floats, Floats, Floats]:
    """Fill what one token's heads are made of: queries, with norms of that size, key and value."""
    d = shape.head_dim
    qkv = case.floats("qkv", shape.stride, 2.0).reshape(HEADS + 2, d)
    vectors = case.floats("vectors", 2 * d, size)
    rows = ROPE_LOW_ROWS + position // ROPE_LOW_ROWS + 1
    rope = case.floats("rope", rows * PAIRS * 2, 0.7).reshape(rows, 2, PAIRS).swapaxes(1, 2)
    low, high = rope[position % ROPE_LOW_ROWS], rope[ROPE_LOW_ROWS + position // ROPE_LOW_ROWS]
    q = turned(rms(qkv[:HEADS], EPS, vectors[:d]), low, high)
    k = turned(rms(qkv[HEADS], EPS, vectors[d:]), low, high)
    return q, k, rms(qkv[HEADS + 1], EPS)


def _expect_stored(case: Case, shape: HeadShape, k: Floats, v: Floats) -> None:
    """The ends of the rows that K and V take: some values, or q8's scale."""
    if shape.encoding == "q8":
        row = 4 * kv_row_words("q8", shape.head_dim)
        for slot, values in (("k", k), ("v", v)):
            scale = np.abs(values).max(keepdims=True) / 127
            case.expect(slot, scale, _within(scale), (POSITION + 1) * row - 4)
        return
    size = {"f32": 4, "f16": 2}[shape.encoding]
    at = size * ((POSITION + 1) * shape.head_dim - SHOWN)
    for slot, values in (("k", k), ("v", v)):
        rounding = 2e-3 * float(np.abs(values).max()) if size == 2 else 0.0
        within = _within(values) + rounding
        case.expect(slot, values[-SHOWN:], within, at, shape.encoding)


def _ring(case: Case, slot: str, shape: HeadShape) -> Floats:
    """Fill a ring; its rows [RING, head_dim]."""
    d = shape.head_dim
    if shape.encoding != "q8":
        kind = {"f32": "<f4", "f16": "<f2"}[shape.encoding]
        return case.floats(slot, RING * d, 1.0, kind).reshape(RING, d)
    codes = np.random.default_rng(ord(slot)).integers(-127, 128, (UNLIKE, d)).astype(np.int8)
    scale = np.full((UNLIKE, 1), 1 / 127, np.float32)
    unit: NDArray[Any] = np.concatenate([codes.view(np.uint8), scale.view(np.uint8)], -1)
    case.put(slot, unit.reshape(-1), RING * unit.shape[-1])
    values: Floats = codes.astype(np.float64) * scale
    return np.tile(values, (-(-RING // UNLIKE), 1))[:RING]


def _rounded(head: Floats, shape: HeadShape) -> Floats:
    """A head of K or V as the cache holds it."""
    if shape.encoding != "q8":
        return head.astype({"f32": "<f4", "f16": "<f2"}[shape.encoding]).astype(np.float64)
    scale = np.abs(head).max() / 127
    rounded: Floats = np.rint(head / scale) * scale
    return rounded


def _within(values: Floats) -> float:
    return 5e-5 * float(np.abs(values).max())

"""Cases of the kernels that multiply with a matrix or read its rows: matvec, matfew, matmul, embed."""

import numpy as np

from gemtab.contracts.program import Kernel, Step
from gemtab.contracts.quantization import BLOCK, VALUE_BITS, packed_form, planes
from gemtab.kernels.embed import Embed
from gemtab.kernels.ends import Grids, Sink, Source
from gemtab.kernels.matmul import COLUMNS, Matmul
from gemtab.kernels.tuning import USUAL
from gemtab.kernels.variant import LANES
from gemtab_build.known_answers.case import Case, Floats
from gemtab_build.known_answers.formulas import gelu, rms
from gemtab_build.known_answers.variants import variant_of
from gemtab_build.weights.quantize import decode

EPS = 1e-6
SPLITS = 4  # of attention
W_ROW, FIRST, BEHIND = 3, 2, 6  # rows of a matrix before its own, columns of y before and behind
ROWS = USUAL.tile_rows + 5  # a whole tile, two workgroups of a mat-vec, and a ragged edge
GATES = ROWS // 2 + 3  # of a gate, whose workgroup has half as many
UNLIKE_ROWS, UNLIKE_TOKENS = 5, 3  # of a matrix and of x, which then repeat
TILE_TOKENS = USUAL.tile_tokens + 3  # a whole tile and a ragged one
MORE_BLOCKS = 3  # than lanes that share a row
TILE_BLOCKS = 5  # of a tile's columns: an odd number of turns
INPUT_STEP = 1 / 64  # of packed weights' int8 grid
COARSE_STEP = 1 / 8  # of what has been normed
STEEPEST = 1.13  # of gelu's slopes
TANH_ERROR = 1e-3  # WGSL leaves it open: some devices are rough
SCALE = 0.02  # of codes
EMBEDDED = (3, 5)  # rows of a table
TABLE_STEP = 31  # between the columns of an embedding that are compared: some of each lane's


def case_of_matvec(kernel: Kernel) -> tuple[Case, Step]:
    """One token by the rows of a matrix: x as it is, or the stream before a gate, which take the most."""
    includes, params = dict(kernel.includes), dict(kernel.params)
    encoding, any_width = _encoding(includes)
    usual = _width(encoding, any_width, int(params.get("PART", USUAL.part)) + MORE_BLOCKS)
    n_in = int(params.get("WIDTH", params.get("N_IN", usual)))
    if includes.get("source") == "source_splits":
        return _after_splits(kernel, encoding, n_in)
    if "source" in includes:
        return _gate_of_stream(kernel, encoding, n_in)
    case = Case()
    grids = (Grids(INPUT_STEP, 0.0),) if packed_form(encoding) else ()
    x = case.floats("x", n_in, _size(encoding))
    weights = matrix(case, encoding, ROWS, n_in)
    _expect_product(case, x[None], weights)
    stride = FIRST + ROWS + BEHIND
    matmul = Matmul(encoding, n_in, ROWS, FIRST, stride, W_ROW, variant_of(kernel), grids)
    return case, matmul.step(1, "", ())


def _after_splits(kernel: Kernel, encoding: str, n_in: int) -> tuple[Case, Step]:
    """What attention left of some splits, alike for all heads; the last split saw no key."""
    case, d = Case(), int(dict(kernel.params)["HEAD_DIM"])
    heads = n_in // d
    parts = np.zeros((SPLITS, d + 4), "<f4")
    parts[:, :d] = np.random.default_rng(SPLITS).uniform(-20, 20, (SPLITS, d))
    parts[:, d], parts[:, d + 1] = np.linspace(-1.5, 0.5, SPLITS), np.linspace(5, 9, SPLITS)
    parts[-1, :d], parts[-1, d:] = 0.0, (-1.0e38, 0.0, 0.0, 0.0)
    case.give("x", parts.tobytes(), heads * parts.nbytes)
    sums, largest, totals = parts[:-1, :d].astype(np.float64), parts[:-1, d], parts[:-1, d + 1]
    counts = np.exp(largest.astype(np.float64))
    x = np.tile(counts @ sums / (counts @ totals), heads)
    weights = matrix(case, encoding, ROWS, n_in)
    within = _within(weights, x)
    grids: tuple[Grids, ...] = ()
    if packed_form(encoding):
        grids = (Grids(COARSE_STEP, 0.0),)
        x = np.clip(np.round(x / COARSE_STEP), -128, 127) * COARSE_STEP
        # a value between two codes may take either, of each head
        within += heads * COARSE_STEP * float(np.abs(weights).max())
    stride = FIRST + ROWS + BEHIND
    case.unwritten("y", 4 * stride)
    y = (weights @ x)[None]
    case.expect("y", y, within, period=(1, UNLIKE_ROWS), first=FIRST)
    source = Source("splits", splits=SPLITS, head_dim=d)
    matmul = Matmul(encoding, n_in, ROWS, FIRST, stride, W_ROW, variant_of(kernel), grids, source)
    return case, matmul.step(1, "", ())


def _size(encoding: str) -> float:
    """Of x: of packed weights it is whole codes."""
    return 64 * INPUT_STEP if packed_form(encoding) else 1.0


def _expect_product(case: Case, x: Floats, weights: Floats) -> None:
    """y = x · Wᵀ for tokens [tokens, n_in], in the columns that are W's."""
    stride = FIRST + ROWS + BEHIND
    case.unwritten("y", 4 * len(x) * stride)
    period = (min(UNLIKE_TOKENS, len(x)), UNLIKE_ROWS)
    within = _within(weights, x.T)
    case.expect("y", x @ weights.T, within, period=period, first=FIRST, pitch=stride)


def _gate_of_stream(kernel: Kernel, encoding: str, n_in: int) -> tuple[Case, Step]:
    """A branch that joins the stream, which is scaled and normed; a gate of it, and what that gates."""
    case = Case()
    source = Source("stream", EPS, norm=n_in // 4, post_norm=0, scalar=2 * n_in // 4)
    x = _stream(case, n_in)
    weights = matrix(case, encoding, 2 * GATES, n_in)
    stride = FIRST + GATES + BEHIND
    case.unwritten("y", 4 * stride)
    case.floats("inputs", 1)  # bound, and not read
    within, taken = _within(weights, x), np.stack([x, x])
    grids: tuple[Grids, ...] = ()
    if kernel.template == "matvec_i8":
        several = int(dict(kernel.params)["GRIDS"])
        grids = (Grids(COARSE_STEP, 0.0), Grids(several * COARSE_STEP, 0.0, GATES))
        steps = np.array([[one.input] for one in grids])
        taken = np.clip(np.round(x / steps), -128, 127) * steps
        # a value between two codes may take either
        within += several * COARSE_STEP * float(np.abs(weights).max())
    gate, up = weights[:GATES] @ taken[0], weights[GATES:] @ taken[1]
    y = gelu(gate) * up
    lost = within * float((STEEPEST * np.abs(up) + np.abs(gelu(gate))).max())
    within = lost + TANH_ERROR * float(np.abs(y).max())
    case.expect("y", y[None], within, period=(1, UNLIKE_ROWS), first=FIRST)
    matmul = Matmul(
        encoding,
        n_in,
        GATES,
        FIRST,
        stride,
        W_ROW,
        variant_of(kernel),
        grids,
        source,
        Sink("gated"),
    )
    return case, matmul.step(1, "", ())


def _stream(case: Case, n_in: int) -> Floats:
    """Fill what makes the stream, and expect it; what it is normed to. Vectors: post norm, norm, scalar."""
    x = case.floats("x", n_in)
    vectors = case.floats("vectors", 2 * n_in + 4)
    post_norm, norm, scalar = vectors[:n_in], vectors[n_in : 2 * n_in], vectors[2 * n_in]
    x = (x + rms(case.floats("branch", n_in, 3.0), EPS, post_norm)) * scalar
    case.unwritten("next", 4 * n_in)
    case.sample("next", x, 2e-5 * float(np.abs(x).max()))
    return rms(x, EPS, norm)


def _within(weights: Floats, x: Floats) -> float:
    """How far a sum may be off."""
    return 2e-5 * float((np.abs(weights) @ np.abs(x)).max())


def case_of_matmul(kernel: Kernel) -> tuple[Case, Step]:
    """A tile and a ragged one; of a kernel for a few tokens as many as it has columns, of eight some more."""
    includes, params = dict(kernel.includes), dict(kernel.params)
    encoding, any_width = _encoding(includes)
    tokens, blocks = TILE_TOKENS, TILE_BLOCKS
    if kernel.template == "matfew":
        columns = int(includes["columns"].removeprefix("columns_"))
        tokens = columns + 3 * (columns == COLUMNS)
        blocks = int(params.get("PART", USUAL.part)) + MORE_BLOCKS
    n_in = _width(encoding, any_width, blocks)
    case = Case()
    unlike = min(UNLIKE_TOKENS, tokens) * n_in
    x = case.floats("x", tokens * n_in, _size(encoding), period=unlike).reshape(tokens, n_in)
    weights = matrix(case, encoding, ROWS, n_in)
    case.state(0, tokens)
    _expect_product(case, x, weights)
    srq = (Grids(INPUT_STEP, 0.0),) if packed_form(encoding) else ()
    stride = FIRST + ROWS + BEHIND
    matmul = Matmul(encoding, n_in, ROWS, FIRST, stride, W_ROW, variant_of(kernel), srq)
    return case, matmul.step(tokens, "", ())


def case_of_embed(kernel: Kernel) -> tuple[Case, Step]:
    """Rows of a table for two tokens, wider than a workgroup."""
    encoding, any_width = _encoding(dict(kernel.includes))
    n_in, rows, first_row, tokens = _width(encoding, any_width, LANES + 3), 6, 10, len(EMBEDDED)
    if packed_form(encoding):
        encoding += "/2"
    case = Case()
    table = matrix(case, encoding, rows, n_in, w_row=0)
    ids = np.array([first_row + row for row in EMBEDDED], "<u4")
    case.give("ids", ids.tobytes(), ids.nbytes)
    case.unwritten("y", 4 * tokens * n_in)
    case.state(0, tokens)
    first = (n_in - 1) % TABLE_STEP
    wanted = table[list(EMBEDDED), first::TABLE_STEP] * 2.5
    within = 1e-5 * float(np.abs(wanted).max())
    case.expect("y", wanted, within, first=first, step=TABLE_STEP, pitch=n_in)
    embed = Embed(encoding, n_in, rows, first_row, 2.5, variant_of(kernel))
    return case, embed.step(tokens, "", ())


def matrix(case: Case, encoding: str, rows: int, n_in: int, w_row: int = W_ROW) -> Floats:
    """Fill the slots of a matrix that begins behind `w_row` rows; its values [rows, n_in]."""
    found: dict[str, bytes] = {}
    for plane in planes(encoding, n_in):
        size, unit = plane.bytes(w_row + rows), plane.bits_per_row * UNLIKE_ROWS
        if plane.name == "codes":
            found["codes"] = case.draw("codes", size, "u8", unit // 8)
            continue
        kind = _KINDS.get(encoding, "f32")
        step = (1.0 if encoding in VALUE_BITS else SCALE) / 64
        found[plane.name] = case.draw(plane.name, size, kind, unit // _BITS[kind], step)
    return decode(found, encoding, w_row + rows, n_in).astype(np.float64)[w_row:]


_KINDS = {
    "f16": "f16",
    "q8": "f16",
    "q4": "f16",
    "bf16": "bf16",
}  # of values and scales, f32 elsewhere
_BITS = {"f32": 32, "f16": 16, "bf16": 16}


def _encoding(includes: dict[str, str]) -> tuple[str, bool]:
    form = includes["weights"].removeprefix("weights_")
    return form.removesuffix("_i8").removesuffix("_any"), form.endswith("_any")


def _width(encoding: str, any_width: bool, blocks: int) -> int:
    """Values in a row of so many blocks, the last of which may not be whole."""
    missing = 16 if packed_form(encoding) else 22
    return blocks * BLOCK - missing * any_width

"""Cases of the kernels that multiply with a matrix or read its rows: matvec, matfew, matmul, embed."""

import numpy as np

from gemtab.contracts.program import Kernel, Step
from gemtab.contracts.quantization import BLOCK, VALUE_BITS, packed_fault, packed_form, planes
from gemtab.kernels.embed import Embed
from gemtab.kernels.ends import Grids, Sink, Source
from gemtab.kernels.matmul import FEW, Matmul
from gemtab_build.known_answers.case import Case, Floats
from gemtab_build.known_answers.formulas import gelu, rms
from gemtab_build.known_answers.variants import variant_of
from gemtab_build.weights.quantize import decode

EPS = 1e-6
W_ROW, ROWS, FIRST, STRIDE = 3, 5, 2, 11  # rows 3 to 7 of a matrix make columns 2 to 6 of eleven
WIDTHS = (96, 74, 80)  # of rows, of a kernel that takes any; the last two are not whole blocks
INPUT_STEP = 1 / 64  # of packed weights' int8 grid
COARSE_STEP = 1 / 8  # of what has been normed
STEEPEST = 1.13  # of gelu's slopes
TANH_ERROR = 1e-3  # WGSL leaves it open: some devices are rough


def case_of_matvec(kernel: Kernel) -> tuple[Case, Step]:
    """One token by some rows of a matrix: x as it is, or the stream before a gate, which take the most."""
    includes, params = dict(kernel.includes), dict(kernel.params)
    encoding, any_width = _encoding(includes)
    n_in = int(params.get("WIDTH", params.get("N_IN", _width(encoding, any_width))))
    if "source" in includes:
        return _gate_of_stream(kernel, encoding, n_in)
    case = Case()
    grids = (Grids(INPUT_STEP, 0.0),) if packed_form(encoding) else ()
    x = case.whole("x", n_in, INPUT_STEP) if grids else case.floats("x", n_in)
    weights = matrix(case, encoding, W_ROW + ROWS, n_in)[W_ROW:]
    case.unwritten("y", 4 * STRIDE)
    case.expect("y", weights @ x, _within(weights, x), 4 * FIRST)
    matmul = Matmul(encoding, n_in, ROWS, FIRST, STRIDE, W_ROW, variant_of(kernel), grids)
    return case, matmul.step(1, "", ())


def _gate_of_stream(kernel: Kernel, encoding: str, n_in: int) -> tuple[Case, Step]:
    """A branch that joins the stream, which is scaled and normed; a gate of it, and what that gates."""
    case = Case()
    source = Source("stream", EPS, norm=n_in // 4, post_norm=0, scalar=2 * n_in // 4)
    x = _stream(case, n_in)
    weights = matrix(case, encoding, W_ROW + 2 * ROWS, n_in)[W_ROW:]
    case.unwritten("y", 4 * STRIDE)
    case.floats("inputs", 1)  # bound, and not read
    within, taken = _within(weights, x), np.stack([x, x])
    grids: tuple[Grids, ...] = ()
    if kernel.template == "matvec_i8":
        several = int(dict(kernel.params)["GRIDS"])
        grids = (Grids(COARSE_STEP, 0.0), Grids(several * COARSE_STEP, 0.0, ROWS))
        steps = np.array([[one.input] for one in grids])
        taken = np.clip(np.round(x / steps), -128, 127) * steps
        # a value between two codes may take either
        within += several * COARSE_STEP * float(np.abs(weights).max())
    gate, up = weights[:ROWS] @ taken[0], weights[ROWS:] @ taken[1]
    y = gelu(gate) * up
    lost = within * float((STEEPEST * np.abs(up) + np.abs(gelu(gate))).max())
    case.expect("y", y, lost + TANH_ERROR * float(np.abs(y).max()), 4 * FIRST)
    matmul = Matmul(
        encoding, n_in, ROWS, FIRST, STRIDE, W_ROW, variant_of(kernel), grids, source, Sink("gated")
    )
    return case, matmul.step(1, "", ())


def _stream(case: Case, n_in: int) -> Floats:
    """Fill what makes the stream, and expect it; what it is normed to. Vectors: post norm, norm, scalar."""
    x = case.floats("x", n_in)
    vectors = case.floats("vectors", 2 * n_in + 4)
    post_norm, norm, scalar = vectors[:n_in], vectors[n_in : 2 * n_in], vectors[2 * n_in]
    x = (x + rms(case.floats("branch", n_in, 3.0), EPS, post_norm)) * scalar
    case.unwritten("next", 4 * n_in)
    case.expect("next", x[-ROWS:], 2e-5 * float(np.abs(x).max()), 4 * (n_in - ROWS))
    return rms(x, EPS, norm)


def _within(weights: Floats, x: Floats) -> float:
    """How far a sum may be off."""
    return 2e-5 * float((np.abs(weights) @ np.abs(x)).max())


def case_of_matmul(kernel: Kernel) -> tuple[Case, Step]:
    """As many tokens as a kernel for a few has columns, or a part of a tile, by a few rows."""
    includes = dict(kernel.includes)
    encoding, any_width = _encoding(includes)
    columns = includes.get("columns", f"columns_{FEW + 1}").removeprefix("columns_")
    n_in, tokens = _width(encoding, any_width), int(columns)
    case = Case()
    grid = packed_form(encoding) is not None
    count = tokens * n_in
    x = case.whole("x", count, INPUT_STEP) if grid else case.floats("x", count)
    x = x.reshape(tokens, n_in)
    weights = matrix(case, encoding, W_ROW + ROWS, n_in)[W_ROW:]
    case.unwritten("y", 4 * tokens * STRIDE)
    case.state(0, tokens)
    within = 2e-5 * float((np.abs(x) @ np.abs(weights.T)).max())
    last = (x @ weights.T)[tokens - 1]
    case.expect("y", last, within, 4 * ((tokens - 1) * STRIDE + FIRST))
    srq = (Grids(INPUT_STEP, 0.0),) if grid else ()
    matmul = Matmul(encoding, n_in, ROWS, FIRST, STRIDE, W_ROW, variant_of(kernel), srq)
    return case, matmul.step(tokens, "", ())


def case_of_embed(kernel: Kernel) -> tuple[Case, Step]:
    """Two rows of a table, the second of which is compared."""
    encoding, any_width = _encoding(dict(kernel.includes))
    n_in, rows, first_row = _width(encoding, any_width), 6, 10
    case = Case()
    table = matrix(case, encoding, rows, n_in)
    case.put("ids", np.array([first_row, first_row + 3], np.uint32), 8)
    case.unwritten("y", 4 * 2 * n_in)
    case.state(0, 2)
    wanted = table[3] * 2.5
    case.expect("y", wanted, 1e-5 * float(np.abs(wanted).max()), 4 * n_in)
    embed = Embed(encoding, n_in, rows, first_row, 2.5, variant_of(kernel))
    return case, embed.step(2, "", ())


def matrix(case: Case, encoding: str, rows: int, n_in: int) -> Floats:
    """Fill the slots of a matrix; its values [rows, n_in]."""
    found: dict[str, bytes] = {}
    for plane in planes(encoding, n_in):
        size = plane.bytes(rows)
        if plane.name == "codes":
            found["codes"] = case.raw("codes", size)
            continue
        kind = "<f2" if encoding in ("f16", "q8", "q4") else "<f4"
        count = size // np.dtype(kind).itemsize
        if encoding == "bf16":  # the upper halves of f32
            unit = (np.linspace(-1.5, 1.5, 31, dtype=np.float32).view(np.uint32) >> 16).astype(
                "<u2"
            )
            found[plane.name] = np.resize(case.put(plane.name, unit, size), size // 2).tobytes()
            continue
        values = case.floats(plane.name, count, 1.0 if encoding in VALUE_BITS else 0.02, kind)
        found[plane.name] = values.astype(kind).tobytes()
    return decode(found, encoding, rows, n_in).astype(np.float64)


def _encoding(includes: dict[str, str]) -> tuple[str, bool]:
    form = includes["weights"].removeprefix("weights_")
    return form.removesuffix("_i8").removesuffix("_any"), form.endswith("_any")


def _width(encoding: str, any_width: bool) -> int:
    """Values in a row."""
    fits = (n for n in WIDTHS if (n % BLOCK != 0) == any_width)
    if packed_form(encoding):
        fits = (n for n in fits if not packed_fault(encoding, n))
    return next(fits)

"""Cases of the kernels that go over vectors: norm, join, ple_merge, gelu_mul, softcap."""

import numpy as np

from gemtab.contracts.program import Kernel, Step
from gemtab.kernels.elementwise import GeluMul, PleMerge, Softcap
from gemtab.kernels.norm import Join, Norm
from gemtab_build.known_answers.case import Case, Floats
from gemtab_build.known_answers.formulas import gelu, rms
from gemtab_build.known_answers.variants import variant_of

EPS = 1e-6
N, TOKENS = 330, 2  # five rounds of lanes and a ragged one
PERIOD = 37  # of all slots, and so of the answers
TANH_ERROR = 1e-3  # WGSL leaves it open: some devices are rough
CAP = 3.0


def case_of_norm(kernel: Kernel) -> tuple[Case, Step]:
    """Two tokens."""
    case = Case()
    x = _rows(case, "x", TOKENS, 3.0)
    weight = case.floats("weight", N, period=PERIOD)
    case.unwritten("y", 4 * TOKENS * N)
    case.state(0, TOKENS)
    _expect(case, "y", rms(x, EPS, weight))
    return case, Norm(N, EPS, variant_of(kernel)).step(TOKENS, "", ())


def case_of_join(kernel: Kernel) -> tuple[Case, Step]:
    """Two tokens: the stream, and what it is normed to."""
    case = Case()
    x, h = _rows(case, "x", TOKENS, 3.0), _rows(case, "h", TOKENS)
    vectors = case.floats("vectors", 2 * N + 1, period=PERIOD)
    post_norm, norm, scalar = vectors[:N], vectors[N : 2 * N], vectors[2 * N]
    case.unwritten("y", 4 * TOKENS * N)
    case.state(0, TOKENS)
    h = (h + rms(x, EPS, post_norm)) * scalar
    _expect(case, "h", h)
    _expect(case, "y", rms(h, EPS, norm))
    join = Join(N, EPS, post_norm=0, scalar=2 * N, norm=N, variant=variant_of(kernel))
    return case, join.step(TOKENS, "", ())


def case_of_ple_merge(kernel: Kernel) -> tuple[Case, Step]:
    """Two layers of each of two tokens."""
    layers, scale = 2, 0.25
    case = Case()
    context = _rows(case, "context", TOKENS * layers)
    token = _rows(case, "token_part", TOKENS * layers)
    weight = case.floats("weight", N, period=PERIOD)
    case.state(0, TOKENS)
    _expect(case, "context", (rms(context * scale, EPS, weight) + token) * 0.5**0.5)
    merge = PleMerge(N, layers, scale, EPS, variant_of(kernel))
    return case, merge.step(TOKENS, layers, "", ())


def case_of_gelu_mul(_kernel: Kernel) -> tuple[Case, Step]:
    """Two tokens, columns of wider rows."""
    a_stride, b_stride, b_first = N + 6, N + 40, 11
    case = Case()
    a = case.floats("a", TOKENS * a_stride, 2.0, period=PERIOD).reshape(TOKENS, a_stride)
    b = case.floats("b", TOKENS * b_stride, period=PERIOD).reshape(TOKENS, b_stride)
    case.unwritten("y", 4 * TOKENS * N)
    case.state(0, TOKENS)
    y = gelu(a[:, :N]) * b[:, b_first : b_first + N]
    _expect(case, "y", y, TANH_ERROR)
    return case, GeluMul(N, a_stride, b_stride, b_first).step(TOKENS, "", ())


def case_of_softcap(_kernel: Kernel) -> tuple[Case, Step]:
    """Two tokens."""
    case = Case()
    x = _rows(case, "x", TOKENS, CAP)
    case.state(0, TOKENS)
    _expect(case, "x", CAP * np.tanh(x / CAP), TANH_ERROR)
    return case, Softcap(N, CAP).step(TOKENS, "", ())


def _rows(case: Case, slot: str, rows: int, size: float = 1.0) -> Floats:
    return case.floats(slot, rows * N, size, period=PERIOD).reshape(rows, N)


def _expect(case: Case, slot: str, values: Floats, error: float = 2e-5) -> None:
    """Rows that repeat within themselves."""
    within = error * float(np.abs(values).max())
    case.expect(slot, values, within, period=(len(values), PERIOD), pitch=N)

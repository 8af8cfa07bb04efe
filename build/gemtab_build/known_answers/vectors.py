"""Cases of the kernels that norm and join vectors: norm, join, ple_merge."""

import numpy as np

from gemtab.contracts.program import Kernel, Step
from gemtab.kernels.elementwise import PleMerge
from gemtab.kernels.norm import Join, Norm
from gemtab_build.known_answers.case import Case, Floats
from gemtab_build.known_answers.formulas import rms
from gemtab_build.known_answers.variants import variant_of

EPS = 1e-6
N, TOKENS = 150, 2  # more than two rounds of lanes
LAST = 4 * N * (TOKENS - 1)  # where the last token's values begin, in bytes
SHOWN = 20  # of the values, at the beginning and so of every sum


def case_of_norm(kernel: Kernel) -> tuple[Case, Step]:
    """The last of two tokens."""
    case = Case()
    x = case.floats("x", TOKENS * N, 3.0)[-N:]
    weight = case.floats("weight", N)
    case.unwritten("y", 4 * TOKENS * N)
    case.state(0, TOKENS)
    _expect(case, "y", rms(x, EPS, weight))
    return case, Norm(N, EPS, variant_of(kernel)).step(TOKENS, "", ())


def case_of_join(kernel: Kernel) -> tuple[Case, Step]:
    """The last of two tokens: the stream, and what it is normed to."""
    case = Case()
    x = case.floats("x", TOKENS * N, 3.0)[-N:]
    h = case.floats("h", TOKENS * N)[-N:]
    vectors = case.floats("vectors", 2 * N + 1)
    post_norm, norm, scalar = vectors[:N], vectors[N : 2 * N], vectors[2 * N]
    case.unwritten("y", 4 * TOKENS * N)
    case.state(0, TOKENS)
    h = (h + rms(x, EPS, post_norm)) * scalar
    _expect(case, "h", h)
    _expect(case, "y", rms(h, EPS, norm))
    join = Join(N, EPS, post_norm=0, scalar=2 * N, norm=N, variant=variant_of(kernel))
    return case, join.step(TOKENS, "", ())


def case_of_ple_merge(kernel: Kernel) -> tuple[Case, Step]:
    """Two layers of one token, the second of which is compared."""
    layers, scale = 2, 0.25
    case = Case()
    context = case.floats("context", layers * N)[-N:]
    token = case.floats("token_part", layers * N)[-N:]
    weight = case.floats("weight", N)
    case.state(0, 1)
    _expect(case, "context", (rms(context * scale, EPS, weight) + token) * 0.5**0.5)
    merge = PleMerge(N, layers, scale, EPS, variant_of(kernel))
    return case, merge.step(1, layers, "", ())


def _expect(case: Case, slot: str, values: Floats) -> None:
    """The first of the last token's values."""
    case.expect(slot, values[:SHOWN], 2e-5 * float(np.abs(values).max()), LAST)

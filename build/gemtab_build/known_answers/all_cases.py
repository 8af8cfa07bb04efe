"""Which kernel has which case."""

from collections.abc import Callable

from gemtab.contracts.program import Kernel, Step
from gemtab.contracts.trial import Trial
from gemtab_build.known_answers.attention import (
    case_of_attend,
    case_of_attend_chunk,
    case_of_heads,
    case_of_merge,
)
from gemtab_build.known_answers.case import Case
from gemtab_build.known_answers.choosing import case_of_pick_slab, case_of_sample
from gemtab_build.known_answers.matrices import case_of_embed, case_of_matmul, case_of_matvec
from gemtab_build.known_answers.vectors import (
    case_of_gelu_mul,
    case_of_join,
    case_of_norm,
    case_of_ple_merge,
    case_of_softcap,
)

CASES: dict[str, Callable[[Kernel], tuple[Case, Step]]] = {
    "attend": case_of_attend,
    "attend_chunk": case_of_attend_chunk,
    "embed": case_of_embed,
    "gelu_mul": case_of_gelu_mul,
    "heads": case_of_heads,
    "join": case_of_join,
    "matfew": case_of_matmul,
    "matmul": case_of_matmul,
    "matmul_i8": case_of_matmul,
    "matvec": case_of_matvec,
    "matvec_i8": case_of_matvec,
    "merge": case_of_merge,
    "norm": case_of_norm,
    "pick_slab": case_of_pick_slab,
    "ple_merge": case_of_ple_merge,
    "sample": case_of_sample,
    "softcap": case_of_softcap,
}


def known_answer(kernel: Kernel) -> Trial | None:
    """The trial of a kernel; None where there is no case of its form."""
    case_of = CASES.get(kernel.template)
    if case_of is None:
        return None
    case, step = case_of(kernel)
    return case.trial(step) if step.kernel == kernel else None

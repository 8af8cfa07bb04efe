"""The variant that a kernel was made with, told from the kernel."""

from dataclasses import replace

from gemtab.contracts.program import Kernel
from gemtab.kernels.tuning import BY_CHUNK, BY_TOKEN, USUAL, Tuning
from gemtab.kernels.variant import Variant


def variant_of(kernel: Kernel) -> Variant:
    """The least that gives the kernel its features and sizes."""
    tuning = replace(tuning_of(kernel), integer_tiles=kernel.template == "matmul_i8")
    return Variant.of(kernel.features, tuning)


def tuning_of(kernel: Kernel) -> Tuning:
    """The sizes of a kernel that multiplies with a matrix; the usual ones of any other."""
    params = {*kernel.params}
    if kernel.template == "matmul":
        return next((one for one in BY_CHUNK if one.tile and params >= {*one.tile}), USUAL)
    if kernel.template in ("matvec", "matfew"):
        return next((one for one in BY_TOKEN if one.rows and params >= {*one.rows}), USUAL)
    return USUAL

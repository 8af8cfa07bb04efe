"""The variant that a kernel was made with, told from the kernel."""

from dataclasses import replace

from gemtab.contracts.program import Kernel
from gemtab.kernels.variant import Variant


def variant_of(kernel: Kernel) -> Variant:
    """The least that gives the kernel its features."""
    tiles = kernel.template == "matmul_i8"
    return replace(Variant.of(kernel.features), integer_tiles=tiles)

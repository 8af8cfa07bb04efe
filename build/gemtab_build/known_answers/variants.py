"""The variant that a kernel was made with, told from the kernel."""

from gemtab.contracts.program import Kernel
from gemtab.kernels.variant import Variant


def variant_of(kernel: Kernel) -> Variant:
    """The least that gives the kernel its features."""
    return Variant("shader-f16" in kernel.features, "subgroups" in kernel.features)

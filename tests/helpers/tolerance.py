"""How far an f32 result may be from the exact one, from what WGSL promises of each operation.

The numbers are those of the WGSL specification's section on floating point accuracy. A bound is the sum
of what each operation on the way may add, so a test needs no tolerance of its own.
"""

import numpy as np

U = 2.0**-24  # the rounding of one f32 operation, against its result; one ULP is twice that
ULP = 2 * U
HALF_ULP = 2.0**-10  # of f16, whose rounding in pack2x16float may go either way
TINY = 2.0**-126  # smaller results may be flushed to zero
TANH = 1e-5  # absolute


def sum_bound(magnitudes: np.ndarray, depth: int) -> np.ndarray:
    """Of a sum whose terms' magnitudes add up to `magnitudes`, where no term meets more than `depth` roundings."""
    return magnitudes * (depth * U / (1 - depth * U)) + TINY


def rms_bound(n: int, lanes: int = 64) -> float:
    """Relative, of x / rms(x) · weight over n values: half the sum's error, for the root; then the rest."""
    own = -(-n // lanes)
    total = own + lanes + 2  # subgroups may add their lanes one after the other
    return (
        (total * U + 2.5 * ULP + U) / 2 + 2 * ULP + 2 * U
    )  # / n, + eps; inverseSqrt; two products


def exp_bound(x: np.ndarray) -> np.ndarray:
    """Relative, of exp(x)."""
    return (3 + 2 * np.abs(x)) * ULP


def gelu_bound(x: np.ndarray, error: np.ndarray | float = 0.0) -> np.ndarray:
    """Of gelu(x), where x is `error` off: by its slope, by tanh's own error and that of tanh's argument.

    Of the argument's error a slope of at most 1 is left, and nothing where tanh is flat.
    """
    size = np.abs(x) + error
    inner = np.minimum(np.sqrt(2 / np.pi) * (size + 0.044715 * size**3), 10)
    return 1.13 * error + 0.5 * size * (TANH + 8 * U * inner + 8 * U) + TINY


def softcap_bound(x: np.ndarray, cap: float, error: np.ndarray | float = 0.0) -> np.ndarray:
    """Of cap · tanh(x / cap), where x is `error` off."""
    return error + cap * (TANH + 6 * U * np.minimum(np.abs(x) / cap, 10) + 2 * U)

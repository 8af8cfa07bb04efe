"""Where tensors lie on the GPU: one buffer a plane, or several where a binding's limit splits the rows.

Pure arithmetic, shared by the plan (which binds the buffers) and the weights (which fill them).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from gemtab.contracts.errors import DeviceError
from gemtab.contracts.manifest import Tensor
from gemtab.contracts.quantization import planes

ROW_STEP = 8  # parts begin at such rows, so that every plane begins on a word of 4 bytes


@dataclass(frozen=True)
class Part:
    """`rows` rows of a tensor from `first_row` on; `buffers` holds (plane, buffer name, bytes)."""

    first_row: int
    rows: int
    buffers: tuple[tuple[str, str, int], ...]


def rows_and_width(shape: tuple[int, ...]) -> tuple[int, int]:
    """A tensor as rows: a matrix [n_out, n_in] as it is, anything else as one row."""
    return (shape[0], shape[1]) if len(shape) == 2 else (1, prod(shape))


def row_buffer(tensor: str, plane: str) -> str:
    """The buffer that takes single rows of a table which is not on the GPU."""
    return f"{tensor}.{plane}.rows"


def place(tensors: Mapping[str, Tensor], largest_binding: int) -> dict[str, tuple[Part, ...]]:
    """The parts of every tensor, none of whose planes is larger than a binding may be (bytes)."""
    return {name: _parts(name, tensor, largest_binding) for name, tensor in tensors.items()}


def _parts(name: str, tensor: Tensor, largest_binding: int) -> tuple[Part, ...]:
    rows, width = rows_and_width(tensor.shape)
    layout = planes(tensor.encoding, width)
    widest = max(plane.bits_per_row for plane in layout)
    fit = largest_binding * 8 // widest
    if fit < rows:
        fit -= fit % ROW_STEP
    if fit <= 0:
        raise DeviceError(
            f"{ROW_STEP} rows of {name} take {ROW_STEP * widest // 8} bytes, this device binds at most "
            f"{largest_binding}. Use another GPU or a smaller model."
        )
    return tuple(
        Part(
            first,
            min(fit, rows - first),
            tuple(
                (plane.name, f"{name}.{plane.name}.{first}", plane.bytes(min(fit, rows - first)))
                for plane in layout
            ),
        )
        for first in range(0, rows, fit)
    )

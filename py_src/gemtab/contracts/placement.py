"""Where tensors lie on the GPU: a buffer a plane, several where a binding's limit splits the rows, or
one for several tensors that are used together.

Pure arithmetic, shared by the plan (which binds the buffers) and the weights (which fill them).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod

from gemtab.contracts.errors import DeviceError
from gemtab.contracts.manifest import Tensor
from gemtab.contracts.program import Slice
from gemtab.contracts.quantization import WEIGHT_ENCODINGS, packed_form, planes

ROW_STEP = 8  # parts begin at such rows, so that every plane begins on a word of 4 bytes
ALIGNMENT = 256  # WebGPU's largest minStorageBufferOffsetAlignment
VECTORS = "vectors"
JOINED = {"qkv": ("q", "k", "v"), "gate_up": ("gate", "up")}  # matrices of a layer, by rows


@dataclass(frozen=True)
class Part:
    """`rows` rows of a tensor from `first_row` on; `buffers` holds (plane, where its bytes lie)."""

    first_row: int
    rows: int
    buffers: tuple[tuple[str, Slice], ...]


def rows_and_width(shape: tuple[int, ...]) -> tuple[int, int]:
    """A tensor as rows: a matrix [n_out, n_in] as it is, anything else as one row."""
    return (shape[0], shape[1]) if len(shape) == 2 else (1, prod(shape))


def row_buffer(tensor: str, plane: str) -> str:
    """The buffer that takes single rows of a table which is not on the GPU."""
    return f"{tensor}.{plane}.rows"


def place(
    tensors: Mapping[str, Tensor], largest_binding: int, together: bool = True
) -> dict[str, tuple[Part, ...]]:
    """The parts of every tensor, none of whose planes is larger than a binding may be (bytes).

    Vectors share one buffer, and matrices that are multiplied with the same input share one where they
    are encoded alike and fit together, so that one dispatch serves them all; unless not `together`.
    """
    placed = _vectors({n: t for n, t in tensors.items() if _is_vector(t)})
    for group, members in _groups(tensors) if together else ():
        placed |= _together(group, {name: tensors[name] for name in members}, largest_binding)
    for name, tensor in tensors.items():
        if name not in placed:
            placed[name] = _parts(name, tensor, largest_binding)
    return {name: placed[name] for name in tensors}


def _is_vector(tensor: Tensor) -> bool:
    return len(tensor.shape) != 2 and tensor.encoding == "f32"


def _vectors(tensors: Mapping[str, Tensor]) -> dict[str, tuple[Part, ...]]:
    """All vectors one after the other, each where a binding may begin."""
    placed: dict[str, tuple[Part, ...]] = {}
    offset = 0
    for name, tensor in tensors.items():
        size = 4 * prod(tensor.shape)
        placed[name] = (Part(0, 1, (("values", Slice(VECTORS, offset, size)),)),)
        offset += -(-size // ALIGNMENT) * ALIGNMENT
    return placed


def _groups(tensors: Mapping[str, Tensor]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(name of the shared buffer, its tensors in order), for each group that is there whole."""
    for first in tensors:
        stem, _, part = first.rpartition(".")
        for group, parts in JOINED.items():
            members = tuple(f"{stem}.{one}" for one in parts)
            if part == parts[0] and all(name in tensors for name in members):
                yield f"{stem}.{group}", members


def _together(
    group: str, tensors: Mapping[str, Tensor], largest_binding: int
) -> dict[str, tuple[Part, ...]]:
    """The matrices' rows one after the other; empty where they cannot share a buffer."""
    encodings = {(tensor.encoding, tensor.shape[1]) for tensor in tensors.values()}
    (encoding, width), *more = encodings
    layout = planes(encoding, width)
    rows = sum(tensor.shape[0] for tensor in tensors.values())
    words = all(
        tensor.shape[0] * plane.bits_per_row % 32 == 0
        for tensor in tensors.values()
        for plane in layout
    )
    fits = max(plane.bytes(rows) for plane in layout) <= largest_binding
    whole_rows = encoding in WEIGHT_ENCODINGS or packed_form(encoding) is not None
    if more or not whole_rows or not words or not fits:
        return {}
    placed: dict[str, tuple[Part, ...]] = {}
    first = 0
    for name, tensor in tensors.items():
        count = tensor.shape[0]
        buffers = tuple(
            (plane.name, Slice(f"{group}.{plane.name}", plane.bytes(first), plane.bytes(count)))
            for plane in layout
        )
        placed[name] = (Part(0, count, buffers),)
        first += count
    return placed


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
                (
                    plane.name,
                    Slice(f"{name}.{plane.name}.{first}", 0, plane.bytes(min(fit, rows - first))),
                )
                for plane in layout
            ),
        )
        for first in range(0, rows, fit)
    )

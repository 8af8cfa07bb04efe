"""Matrices that a checkpoint holds packed: 2-, 4- and 8-bit codes, scales, SRQ. Copied bit for bit.

The form is that of `quant_method: gemma` in transformers. A linear is `weight` (U8 or I8 [n_out, bytes]),
`weight_scale` [n_out, 1] and two scalars, `input_activation_scale` and `output_activation_scale`; an
embedding is `embedding_quantized` and `embedding_scale` [rows, scales]. A cache's scales are not used.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gemtab.contracts.errors import CheckpointError, UsageError
from gemtab.contracts.names import tensor_shapes
from gemtab.contracts.quantization import packed_fault
from gemtab_build.checkpoint.stored import BYTE_DTYPES, Checkpoint, StoredTensor

PACKED = "packed"  # what such an artifact calls its weights
SCALES = {".weight": ".weight_scale", ".embedding_quantized": ".embedding_scale"}
FORMS = {("U8", 4): "w2", ("U8", 2): "w4", ("I8", 1): "w8"}  # (dtype, values a byte)
WHOLE = "Take config.json and weights from the same model."


@dataclass(frozen=True)
class PackedTensor:
    """A packed matrix of a checkpoint: the names of its codes and scales, and its encoding."""

    codes: str
    scales: str
    encoding: str


def find_packed(checkpoint: Checkpoint, names: Mapping[str, str]) -> dict[str, PackedTensor]:
    """The packed ones among the tensors that `names` maps from ours to the checkpoint's, by our name."""
    shapes = tensor_shapes(checkpoint.config)
    return {
        ours: _packed(checkpoint, theirs, shapes[ours])
        for ours, theirs in names.items()
        if checkpoint.tensors[theirs].dtype in BYTE_DTYPES
    }


def choose_weights(weights: str, packed: Mapping[str, PackedTensor]) -> str:
    """What `--weights` means for a checkpoint: `packed` stays so, and everything else becomes q4."""
    if packed and weights != "auto":
        raise UsageError(
            f"--weights {weights}: this checkpoint comes packed, in 2, 4 and 8 bits, and is kept bit for "
            f"bit. Build it with --weights auto, or take the unpacked checkpoint."
        )
    return PACKED if packed else "q4" if weights == "auto" else weights


def packed_rows(
    checkpoint: Checkpoint, tensor: PackedTensor, first: int, count: int
) -> dict[str, bytes]:
    """The planes of rows [first, first + count), as the checkpoint holds them."""
    scales = checkpoint.rows(tensor.scales, first, count)
    if not np.isfinite(scales).all():
        raise CheckpointError(f"{tensor.scales} holds scales that are not finite numbers.")
    codes = checkpoint.row_bytes(tensor.codes, first, count)
    return {"codes": codes, "scales": scales.astype("<f4").tobytes()}


def _form(stored: StoredTensor, shape: tuple[int, ...]) -> str | None:
    """The packed form in which the stored bytes make a matrix of this shape."""
    if len(shape) != 2 or len(stored.shape) != 2:
        return None
    rows, row_bytes = stored.shape
    for (dtype, per_byte), form in FORMS.items():
        if stored.dtype == dtype and shape == (rows, row_bytes * per_byte):
            return form
    return None


def _packed(checkpoint: Checkpoint, codes: str, shape: tuple[int, ...]) -> PackedTensor:
    stored = checkpoint.tensors[codes]
    form = _form(stored, shape)
    if form is None:
        raise CheckpointError(
            f"{codes} has the shape {list(stored.shape)} in {stored.dtype}: "
            f"not the {list(shape)} of config.json in 2, 4 or 8 bits. {WHOLE}"
        )
    suffix = codes[codes.rindex(".") :]
    scales = codes.removesuffix(suffix) + SCALES[suffix]
    scale = checkpoint.tensors.get(scales)
    if scale is None or scale.dtype != "F32" or scale.shape[:-1] != shape[:1]:
        found = f"{scale.dtype} {list(scale.shape)}" if scale else "nothing"
        raise CheckpointError(f"{scales} must be F32 [{shape[0]}, …], found {found}. {WHOLE}")
    encoding = form if scale.shape[1] == 1 else f"{form}/{scale.shape[1]}"
    fault = packed_fault(encoding, shape[1])
    if fault or (suffix == ".weight" and encoding != form):
        raise CheckpointError(f"{codes}: {fault or 'a linear has one scale a row'}. {WHOLE}")
    return PackedTensor(codes, scales, encoding)


def read_srq(checkpoint: Checkpoint, tensor: PackedTensor) -> tuple[float, float] | None:
    """The steps of a linear's input and output grids; None where it rounds neither."""
    base = tensor.codes.rpartition(".")[0]
    steps = []
    for side in ("input", "output"):
        name = f"{base}.{side}_activation_scale"
        step = float(checkpoint.rows(name, 0, 1)[0, 0]) if name in checkpoint.tensors else 0.0
        if not np.isfinite(step):
            raise CheckpointError(f"{name} is {step}, not a finite number.")
        steps.append(step)
    return (steps[0], steps[1]) if any(steps) else None

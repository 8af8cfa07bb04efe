"""Tensors of a checkpoint, slab by slab, into shards."""

from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path

import numpy as np

from gemtab.contracts.errors import CheckpointError
from gemtab.contracts.manifest import Piece, Source, Tensor
from gemtab.contracts.names import PLE_EMBED, tensor_shapes
from gemtab.contracts.placement import ROW_STEP, rows_and_width
from gemtab_build.checkpoint.packed import PACKED, PackedTensor, packed_rows, read_srq
from gemtab_build.checkpoint.stored import Checkpoint
from gemtab_build.progress import Report
from gemtab_build.weights.quantize import (
    F16_MAX,
    SEARCHED,
    HowToRound,
    Rounding,
    choose_encoding,
    encode,
)
from gemtab_build.weights.shard import ShardWriter

SLAB_VALUES = 8 << 20  # 32 MiB as f32: what one step of quantizing holds, a few times over
Written = tuple[tuple[Source, ...], dict[str, Tensor], list[str]]


def write_tensors(
    checkpoint: Checkpoint,
    names: Mapping[str, str],
    packed: Mapping[str, PackedTensor],
    wanted: str,
    folder: Path,
    report: Report,
    rounding: Rounding = SEARCHED,
) -> Written:
    """The tensors of `names`, which maps ours to the checkpoint's. Adds notes.

    Those that come packed are copied.
    """
    shapes = {ours: s for ours, s in tensor_shapes(checkpoint.config).items() if ours in names}
    total = sum(map(prod, shapes.values()))
    shards = ShardWriter(folder)
    tensors: dict[str, Tensor] = {}
    notes: list[str] = []
    done = 0
    for ours, shape in shapes.items():
        if ours == PLE_EMBED:
            shards.close()  # shards of its own, so that it can stay where it is
        copied = packed.get(ours)
        encoding, note = (
            (copied.encoding, None)
            if copied
            else choose_for(checkpoint, names[ours], shape, wanted)
        )
        if note:
            notes.append(f"{ours}: {note}")
        pieces: list[Piece] = []
        rows, width = rows_and_width(shape)
        for first, count in slabs(rows, width):
            planes = (
                packed_rows(checkpoint, copied, first, count)
                if copied
                else _encoded(checkpoint, names[ours], first, count, encoding, rounding.of(ours))
            )
            pieces += [shards.add(name, first, count, data) for name, data in planes.items()]
            done += count * width
            report(ours, done, total)
        srq = read_srq(checkpoint, copied) if copied else None
        tensors[ours] = Tensor(shape, encoding, tuple(pieces), srq)
    shards.close()
    return tuple(shards.sources), tensors, notes


def slabs(rows: int, width: int) -> Iterator[tuple[int, int]]:
    """(first row, rows) of slabs that begin on multiples of ROW_STEP, so planes stay on words."""
    step = max(SLAB_VALUES // width // ROW_STEP, 1) * ROW_STEP
    return ((first, min(step, rows - first)) for first in range(0, rows, step))


def _encoded(
    checkpoint: Checkpoint, name: str, first: int, count: int, encoding: str, how: HowToRound
) -> dict[str, bytes]:
    try:
        return encode(checkpoint.rows(name, first, count), encoding, *how)
    except CheckpointError as error:
        raise CheckpointError(f"{name} cannot be built as {encoding}: {error}.") from error


def choose_for(
    checkpoint: Checkpoint, name: str, shape: tuple[int, ...], wanted: str
) -> tuple[str, str | None]:
    """A tensor's encoding, and why it is not the one wanted (vectors need no reason).

    What a packed checkpoint leaves unpacked is kept exactly.
    """
    chosen = choose_encoding(shape, wanted)
    if wanted == PACKED:
        if chosen == "f16" and checkpoint.tensors[name].dtype == "BF16":
            return "bf16", None
        if chosen == "f16" and not _is_f16(checkpoint, name, shape):
            return "f32", "kept as f32, its values are not exact in f16"
        return chosen, None
    if chosen == "f16" and _peak(checkpoint, name, shape) > F16_MAX:
        return "f32", f"kept as f32, it holds values beyond {F16_MAX:.0f}"
    if len(shape) == 2 and chosen != wanted:
        return chosen, f"kept as {chosen}, rows of {shape[1]} values do not fit {wanted}"
    return chosen, None


def _peak(checkpoint: Checkpoint, name: str, shape: tuple[int, ...]) -> float:
    """The largest magnitude of a tensor's finite values."""
    peak = 0.0
    for first, count in slabs(*rows_and_width(shape)):
        values = np.abs(checkpoint.rows(name, first, count))
        peak = max(peak, float(values.max(where=np.isfinite(values), initial=0.0)))
    return peak


def _is_f16(checkpoint: Checkpoint, name: str, shape: tuple[int, ...]) -> bool:
    """Whether every value of a tensor is one of f16's."""
    for first, count in slabs(*rows_and_width(shape)):
        values = checkpoint.rows(name, first, count)
        with np.errstate(over="ignore"):
            if not np.array_equal(values.astype(np.float16), values):
                return False
    return True

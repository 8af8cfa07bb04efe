"""Tensors of a checkpoint, slab by slab, into shards."""

from collections.abc import Callable, Iterator, Mapping
from math import prod
from pathlib import Path

import numpy as np

from gemtab.contracts.errors import CheckpointError
from gemtab.contracts.manifest import Piece, Source, Tensor
from gemtab.contracts.names import PLE_EMBED, tensor_shapes
from gemtab.contracts.placement import ROW_STEP, rows_and_width
from gemtab_build.checkpoint import Checkpoint
from gemtab_build.quantize import F16_MAX, choose_encoding, encode
from gemtab_build.shard import ShardWriter

SLAB_VALUES = 8 << 20  # 32 MiB as f32: what one step of quantizing holds, a few times over
Report = Callable[[str, int, int], None]  # tensor, values done, values in all
Written = tuple[tuple[Source, ...], dict[str, Tensor], list[str]]


def write_tensors(
    checkpoint: Checkpoint, names: Mapping[str, str], wanted: str, folder: Path, report: Report
) -> Written:
    """Every tensor that the config asks for; `names` maps ours to the checkpoint's. Adds notes."""
    shapes = tensor_shapes(checkpoint.config)
    total = sum(map(prod, shapes.values()))
    shards = ShardWriter(folder)
    tensors: dict[str, Tensor] = {}
    notes: list[str] = []
    done = 0
    for ours, shape in shapes.items():
        if ours == PLE_EMBED:
            shards.close()  # shards of its own, so that it can stay where it is
        encoding, note = _encoding(checkpoint, names[ours], shape, wanted)
        if note:
            notes.append(f"{ours}: {note}")
        pieces: list[Piece] = []
        rows, width = rows_and_width(shape)
        for first, count in slabs(rows, width):
            values = checkpoint.rows(names[ours], first, count)
            try:
                planes = encode(values, encoding)
            except CheckpointError as error:
                raise CheckpointError(
                    f"{names[ours]} cannot be built as {encoding}: {error}."
                ) from error
            pieces += [shards.add(name, first, count, data) for name, data in planes.items()]
            done += count * width
            report(ours, done, total)
        tensors[ours] = Tensor(shape, encoding, tuple(pieces))
    shards.close()
    return tuple(shards.sources), tensors, notes


def slabs(rows: int, width: int) -> Iterator[tuple[int, int]]:
    """(first row, rows) of slabs that begin on multiples of ROW_STEP, so planes stay on words."""
    step = max(SLAB_VALUES // width // ROW_STEP, 1) * ROW_STEP
    return ((first, min(step, rows - first)) for first in range(0, rows, step))


def _encoding(
    checkpoint: Checkpoint, name: str, shape: tuple[int, ...], wanted: str
) -> tuple[str, str | None]:
    """A tensor's encoding, and why it is not the one wanted (vectors need no reason)."""
    chosen = choose_encoding(shape, wanted)
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

"""A Hugging Face checkpoint on disk: its config, its tensors' headers, rows of tensors as f32."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from gemtab.contracts.errors import CheckpointError
from gemtab.contracts.model_config import ModelConfig, read_model_config
from gemtab.contracts.placement import rows_and_width
from gemtab_build.arrays import Floats
from gemtab_build.checkpoint.gemma3 import fold

DTYPES = {"BF16": "<u2", "F16": "<f2", "F32": "<f4", "F64": "<f8"}
BYTE_DTYPES = ("U8", "I8")  # of packed codes
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
AGAIN = "Download the checkpoint again."


@dataclass(frozen=True)
class StoredTensor:
    """Where a tensor lies: bytes from `start` on in the file at `path`."""

    path: Path
    dtype: str
    shape: tuple[int, ...]
    start: int


@dataclass(frozen=True)
class Checkpoint:
    """An opened checkpoint. No weight is in memory; `rows` reads a slab."""

    folder: Path
    raw_config: Mapping[str, Any]
    config: ModelConfig
    tensors: Mapping[str, StoredTensor]

    def rows(self, name: str, first: int, count: int) -> Floats:
        """Rows [first, first + count) of a tensor as f32 [count, width]; a vector is one row.

        Norms of Gemma 3 come folded.
        """
        tensor = self.tensors[name]
        if tensor.dtype not in DTYPES:
            raise CheckpointError(
                f"{name} in {tensor.path.name} has the dtype {tensor.dtype}; "
                f"Gemtab reads {', '.join(DTYPES)}."
            )
        data = self.row_bytes(name, first, count)
        values = np.frombuffer(data, DTYPES[tensor.dtype]).reshape(count, -1)
        if tensor.dtype == "BF16":
            rows: Floats = (values.astype(np.uint32) << 16).view(np.float32)
        else:
            with np.errstate(over="ignore"):  # an F64 too large becomes inf, which quantize refuses
                rows = values.astype(np.float32)
        return rows if self.config.v_norm else fold(name, rows, self.raw_config)

    def row_bytes(self, name: str, first: int, count: int) -> bytes:
        """The same rows as they are stored."""
        tensor = self.tensors[name]
        row = rows_and_width(tensor.shape)[1] * np.dtype(DTYPES.get(tensor.dtype, "u1")).itemsize
        data = self.read(tensor.path, tensor.start + first * row, count * row)
        if len(data) != count * row:
            raise CheckpointError(f"{tensor.path} ends inside {name}. {AGAIN}")
        return data

    def read(self, path: Path, start: int, size: int) -> bytes:
        """Bytes of a weights file."""
        with path.open("rb") as stream:
            stream.seek(start)
            return stream.read(size)


def open_checkpoint(folder: Path) -> Checkpoint:
    """Read the config and every header of a Hugging Face folder; CheckpointError if it is amiss."""
    if not folder.is_dir():
        raise CheckpointError(f"There is no folder {folder}. Give a checkpoint's folder or 'demo'.")
    raw, config = open_config(folder)
    tensors: dict[str, StoredTensor] = {}
    for path in weight_files(folder):
        tensors |= read_header(path)
    return Checkpoint(folder, raw, config, tensors)


def open_config(folder: Path) -> tuple[dict[str, Any], ModelConfig]:
    """config.json as it stands, and what Gemtab reads of it; CheckpointError if it cannot run."""
    raw = read_json(folder / "config.json")
    try:
        return raw, read_model_config(raw)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        what = f"lacks {error}" if isinstance(error, KeyError) else f"is not as expected ({error})"
        raise CheckpointError(f"{folder / 'config.json'} {what}. {AGAIN}") from error


def read_json(path: Path) -> dict[str, Any]:
    """A JSON file that holds an object; CheckpointError names the file otherwise."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(f"There is no {path}. {AGAIN}") from None
    except ValueError as error:
        raise CheckpointError(f"{path} is not JSON ({error}). {AGAIN}") from error
    if not isinstance(data, dict):
        raise CheckpointError(f"{path} does not hold a JSON object. {AGAIN}")
    return data


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files: those of the index where there is one, else the single file."""
    if not (folder / INDEX).is_file():
        return [folder / WEIGHTS]
    names = read_json(folder / INDEX).get("weight_map")
    if not isinstance(names, dict) or not all(isinstance(n, str) for n in names.values()):
        raise CheckpointError(f"{folder / INDEX} has no weight_map of file names. {AGAIN}")
    if any(Path(name).name != name for name in names.values()):
        raise CheckpointError(f"{folder / INDEX} names a file outside the folder. {AGAIN}")
    return [folder / name for name in sorted(set(names.values()))]


def read_header(path: Path) -> dict[str, StoredTensor]:
    """The tensors that a safetensors file says it holds, each checked to lie inside the file."""
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            start = stream.read(8)
            length = int.from_bytes(start, "little")
            text = stream.read(length) if length <= size - 8 else b""
    except FileNotFoundError:
        raise CheckpointError(f"There is no {path}. {AGAIN}") from None
    return parse_header(path, start + text, size)


def parse_header(path: Path, head: bytes, size: int) -> dict[str, StoredTensor]:
    """The same from a file's first bytes; it is `size` bytes long, and need not be here."""
    length = int.from_bytes(head[:8], "little")
    if size < 8 or len(head) < 8 + length:
        raise CheckpointError(f"{path} is cut off in its header, at {size} bytes. {AGAIN}")
    try:
        entries = json.loads(head[8 : 8 + length])
        entries.pop("__metadata__", None)
        return {name: _stored(path, name, e, 8 + length, size) for name, e in entries.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path} has a damaged header ({error!r}). {AGAIN}") from error


def _stored(path: Path, name: str, entry: Any, base: int, size: int) -> StoredTensor:
    start, end = entry["data_offsets"]
    shape = tuple(int(n) for n in entry["shape"])
    if base + end > size:
        raise CheckpointError(
            f"{path} is cut off: {name} ends at byte {base + end}, the file at {size}. {AGAIN}"
        )
    dtype = "u1" if entry["dtype"] in BYTE_DTYPES else DTYPES.get(entry["dtype"])
    if start < 0 or (dtype and end - start != prod(shape) * np.dtype(dtype).itemsize):
        raise CheckpointError(f"{path} gives {name} {end - start} bytes for {shape}. {AGAIN}")
    return StoredTensor(path, str(entry["dtype"]), shape, base + start)

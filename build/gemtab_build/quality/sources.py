"""Where weights come from: a checkpoint, an artifact, or a checkpoint rounded on the way."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gemtab.contracts.manifest import Manifest
from gemtab.contracts.model_config import ModelConfig
from gemtab.contracts.names import tensor_shapes
from gemtab.contracts.placement import ROW_STEP, rows_and_width
from gemtab_build.arrays import Floats
from gemtab_build.checkpoint.stored import Checkpoint
from gemtab_build.weights.encode_tensors import slabs
from gemtab_build.weights.quantize import decode, encode
from gemtab_build.weights.read_tensors import read_rows


class Source(Protocol):
    """Tensors by Gemtab's names."""

    @property
    def config(self) -> ModelConfig:
        """The sizes of the model."""
        ...

    def rows(self, name: str, first: int, count: int) -> Floats:
        """Rows [first, first + count) of a tensor, [count, width]; `first` is a multiple of 8."""
        ...


@dataclass(frozen=True)
class CheckpointSource:
    """A checkpoint's own values; `names` maps ours to the checkpoint's."""

    checkpoint: Checkpoint
    names: Mapping[str, str]

    @property
    def config(self) -> ModelConfig:
        """The sizes of the model."""
        return self.checkpoint.config

    def rows(self, name: str, first: int, count: int) -> Floats:
        """Rows as they were published."""
        return self.checkpoint.rows(self.names[name], first, count)


@dataclass(frozen=True)
class ArtifactSource:
    """What an artifact's codes and scales stand for."""

    manifest: Manifest
    folder: Path

    @property
    def config(self) -> ModelConfig:
        """The sizes of the model."""
        return self.manifest.config

    def rows(self, name: str, first: int, count: int) -> Floats:
        """Rows as the shaders compute with them."""
        return read_rows(self.manifest, self.folder, name, first, count)


@dataclass(frozen=True)
class PlainlyRounded:
    """A source in the encodings given by tensor, its scales by the plain rules."""

    source: Source
    encodings: Mapping[str, str]

    @property
    def config(self) -> ModelConfig:
        """The sizes of the model."""
        return self.source.config

    def rows(self, name: str, first: int, count: int) -> Floats:
        """Rows as an artifact built without the search would hold them."""
        values = self.source.rows(name, first, count)
        encoding = self.encodings[name]
        return decode(encode(values, encoding), encoding, *values.shape)


def tensor(source: Source, name: str) -> Floats:
    """All of a tensor: f32 [n_out, n_in], a vector [n]."""
    shape = tensor_shapes(source.config)[name]
    rows, width = rows_and_width(shape)
    whole = np.empty((rows, width), np.float32)
    for first, count in slabs(rows, width):
        whole[first : first + count] = source.rows(name, first, count)
    return whole.reshape(shape)


def gather(source: Source, name: str, ids: NDArray[np.int64]) -> Floats:
    """Single rows of a table: ids [n] -> f32 [n, width]."""
    total, width = tensor_shapes(source.config)[name]
    found = np.empty((len(ids), width), np.float32)
    steps = ids // ROW_STEP
    for step in np.unique(steps):
        first = int(step) * ROW_STEP
        rows = source.rows(name, first, min(ROW_STEP, total - first))
        here = steps == step
        found[here] = rows[ids[here] - first]
    return found

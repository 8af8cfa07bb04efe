"""A model as it lies on a device: its tensors, and the buffers and offsets where they are found."""

from collections.abc import Sequence
from dataclasses import dataclass

from gemtab.contracts import names
from gemtab.contracts.manifest import Tensor
from gemtab.contracts.placement import ALIGNMENT, VECTORS, Part, place, row_buffer
from gemtab.contracts.program import Buffer, Slice
from gemtab.contracts.quantization import planes
from gemtab.plan.settings import Settings


@dataclass(frozen=True)
class Model:
    """Settings, tensors, and the parts that hold the tensors that are on the GPU."""

    settings: Settings
    tensors: dict[str, Tensor]
    parts: dict[str, tuple[Part, ...]]

    @classmethod
    def on(cls, settings: Settings, tensors: dict[str, Tensor]) -> "Model":
        """Place the tensors within the device's limits."""
        placed = {
            name: tensor
            for name, tensor in tensors.items()
            if name != names.PLE_EMBED or not settings.ple_on_disk
        }
        return cls(settings, tensors, place(placed, settings.facts.largest_binding))

    def weight_buffers(self) -> tuple[Buffer, ...]:
        """Every buffer that holds weights."""
        ends: dict[str, int] = {}
        for part in (part for parts in self.parts.values() for part in parts):
            for _, where in part.buffers:
                ends[where.buffer] = max(ends.get(where.buffer, 0), where.offset + where.bytes)
        if VECTORS in ends:  # the last one is read by fours like the others
            ends[VECTORS] = -(-ends[VECTORS] // ALIGNMENT) * ALIGNMENT
        return tuple(Buffer(name, size, "weight") for name, size in ends.items())

    def row_buffers(self) -> tuple[Buffer, ...]:
        """What takes a chunk's rows of a table that is not on the GPU; empty where all are."""
        return tuple(
            Buffer(row_buffer(name, plane.name), plane.bytes(self.settings.chunk), "state")
            for name, tensor in self.tensors.items()
            if name not in self.parts
            for plane in planes(tensor.encoding, tensor.shape[1])
        )

    def vector(self, tensor: str) -> Slice:
        """Where a tensor that is not a matrix lies."""
        return self.parts[tensor][0].buffers[0][1]

    def joined(self, tensors: Sequence[str]) -> bool:
        """Whether these matrices lie in one buffer, row after row."""
        homes = {
            tuple(where.buffer for _, where in part.buffers)
            for tensor in tensors
            for part in self.parts[tensor]
        }
        return len(homes) == 1

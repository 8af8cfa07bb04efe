"""What a model takes of a GPU, whether it can, and where its largest table lies."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gemtab.contracts import names
from gemtab.contracts.errors import DeviceError, UsageError
from gemtab.contracts.manifest import Tensor
from gemtab.contracts.program import Buffer
from gemtab.plan.model import Model
from gemtab.plan.settings import Settings

UNKNOWN_MEMORY = 4 << 30  # taken as the budget where a device does not say
PLE_PLACES = ("auto", "gpu", "disk")
LONG_DOWNLOAD = 256 << 20  # bytes of a table that nobody should have to wait for


@dataclass(frozen=True)
class Memory:
    """Bytes on the GPU: weights with the per-layer embeddings' table, that table, cache, the rest."""

    weights: int
    table: int
    cache: int
    scratch: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.cache + self.scratch


def gpu_memory(model: Model) -> Memory:
    """What a model takes as planned."""
    settings = model.settings
    table = model.parts.get(names.PLE_EMBED, ())
    rest = (
        *settings.state_buffers(),
        *model.row_buffers(),
        *settings.scratch_buffers(settings.chunk, scored=False),
    )
    return Memory(
        weights=_bytes(model.weight_buffers()),
        table=sum(place.bytes for part in table for _, place in part.buffers),
        cache=_bytes(settings.cache_buffers()),
        scratch=_bytes(rest),
    )


def place_table(
    settings: Settings,
    tensors: Mapping[str, Tensor],
    place: str = "auto",
    budget: int = 0,
    coming: int = 0,
) -> Settings:
    """The settings with the per-layer embeddings' table on the GPU or on disk.

    `auto` keeps it on the GPU where all fits the budget (bytes; 0: what the device says it has), unless
    so much of it is `coming`, bytes that are yet to be downloaded, that a first reply had better not wait.
    Refuses what the device's limits forbid: DeviceError names what is short.
    """
    if place not in PLE_PLACES:
        raise UsageError(f"--ple is one of {', '.join(PLE_PLACES)}, got {place!r}.")
    check_limits(settings)
    if names.PLE_EMBED not in tensors or place == "gpu":
        return settings
    on_disk = replace(settings, ple_on_disk=True)
    if place == "disk":
        return on_disk
    if coming > LONG_DOWNLOAD:
        return on_disk
    budget = budget or settings.facts.memory or UNKNOWN_MEMORY
    fits = gpu_memory(Model.on(settings, dict(tensors))).total <= budget
    return settings if fits else on_disk


def check_limits(settings: Settings) -> None:
    """DeviceError where a buffer that cannot be split is larger than the device binds."""
    largest = settings.facts.largest_binding
    for buffer in unsplit_buffers(settings):
        if buffer.bytes <= largest:
            continue
        what = (
            f"needs {buffer.bytes / 2**20:.1f} MiB at a time ({buffer.name}), "
            f"this GPU binds at most {largest / 2**20:.1f}"
        )
        if buffer.role == "cache":
            longest = settings.capacity * largest // buffer.bytes
            raise DeviceError(
                f"A context of {settings.capacity} tokens {what}. Choose a context of at most {longest}."
            )
        raise DeviceError(f"The model {what}. Use another GPU, a smaller chunk or a smaller model.")


def unsplit_buffers(settings: Settings) -> tuple[Buffer, ...]:
    """The buffers that must each fit a binding: all but the weights."""
    return (
        *settings.cache_buffers(),
        *settings.state_buffers(),
        *settings.scratch_buffers(settings.chunk, scored=False),
    )


def _bytes(buffers: tuple[Buffer, ...]) -> int:
    return sum(buffer.bytes for buffer in buffers)

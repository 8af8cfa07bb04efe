"""What a model needs of a device, worked out for one that binds buffers of any size."""

from collections.abc import Mapping
from dataclasses import replace

from gemtab.contracts import names
from gemtab.contracts.device_facts import DeviceFacts
from gemtab.contracts.manifest import Tensor
from gemtab.contracts.model_config import ModelConfig
from gemtab.contracts.needs import ContextNeeds, Needs
from gemtab.contracts.placement import ROW_STEP, rows_and_width
from gemtab.contracts.quantization import planes
from gemtab.plan.memory import LONG_DOWNLOAD, gpu_memory, unsplit_buffers
from gemtab.plan.model import Model
from gemtab.plan.settings import DEFAULT_CONTEXT, Settings

CONTEXTS = (2048, DEFAULT_CONTEXT, 8192, 32768, 131072)
ANY_SIZE = 1 << 62  # bytes
# WebGPU promises these everywhere, and every kernel keeps to them; counts, and bytes of storage
LIMITS = {
    "maxStorageBuffersPerShaderStage": 8,
    "maxComputeInvocationsPerWorkgroup": 256,
    "maxComputeWorkgroupSizeX": 256,
    "maxComputeWorkgroupStorageSize": 16384,
    "maxComputeWorkgroupsPerDimension": 65535,
}


def needs(config: ModelConfig, tensors: Mapping[str, Tensor]) -> Needs:
    """A model's needs; the tensors' pieces may be missing, as before it is built."""
    limits = {"maxStorageBufferBindingSize": ANY_SIZE, "maxBufferSize": ANY_SIZE}
    facts = DeviceFacts("any", limits=limits)
    longest = config.max_position
    at = {
        context: replace(
            Settings.chosen(config, facts, context), ple_on_disk=names.PLE_EMBED in tensors
        )
        for context in (*(one for one in CONTEXTS if one < longest), longest)
    }
    table = tensors.get(names.PLE_EMBED)
    return Needs(
        weights=gpu_memory(Model.on(at[longest], dict(tensors))).weights,
        table=_bytes(table) if table else 0,
        token=sum(_read_a_token(name, one, config) for name, one in tensors.items()),
        start=_start(tensors),
        limits=LIMITS,
        context=min(DEFAULT_CONTEXT, longest),
        contexts={str(context): _at_context(settings, tensors) for context, settings in at.items()},
    )


def _at_context(settings: Settings, tensors: Mapping[str, Tensor]) -> ContextNeeds:
    memory = gpu_memory(Model.on(settings, dict(tensors)))
    unsplit = (buffer.bytes for buffer in unsplit_buffers(settings))
    return ContextNeeds(
        cache=memory.cache,
        scratch=memory.scratch,
        binding=max(*unsplit, *(_fewest_rows(tensor) for tensor in tensors.values())),
    )


def _bytes(tensor: Tensor, rows: int | None = None) -> int:
    """Of all its planes, or of some of their rows."""
    all_rows, width = rows_and_width(tensor.shape)
    count = all_rows if rows is None else rows
    return sum(plane.bytes(count) for plane in planes(tensor.encoding, width))


def _fewest_rows(tensor: Tensor) -> int:
    """Bytes of the widest plane of the fewest rows that a tensor splits into."""
    rows, width = rows_and_width(tensor.shape)
    return max(plane.bytes(min(rows, ROW_STEP)) for plane in planes(tensor.encoding, width))


def _read_a_token(name: str, tensor: Tensor, config: ModelConfig) -> int:
    """A row of a table, all of anything else; embeddings that are the head as well are read whole."""
    is_table = name == names.PLE_EMBED or (name == names.EMBED and not config.tied)
    return _bytes(tensor, 1 if is_table else None)


def _start(tensors: Mapping[str, Tensor]) -> float:
    """By sources, for each is needed whole; by tensors where they lie in none yet. A short table is waited for."""
    table = tensors.get(names.PLE_EMBED)
    if table is None or _bytes(table) <= LONG_DOWNLOAD:
        return 1.0
    sizes: dict[int | str, int] = {}
    first = set()
    for name, tensor in tensors.items():
        lying: list[tuple[int | str, int]] = [(one.source, one.bytes) for one in tensor.pieces]
        for source, size in lying or [(name, _bytes(tensor))]:
            sizes[source] = sizes.get(source, 0) + size
            if name != names.PLE_EMBED:
                first.add(source)
    return round(sum(sizes[source] for source in first) / sum(sizes.values()), 4)

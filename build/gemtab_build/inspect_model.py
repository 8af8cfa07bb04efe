"""Facts about a checkpoint or an artifact: sizes, memory at several contexts, a device's needs."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gemtab.contracts.device_facts import DeviceFacts
from gemtab.contracts.manifest import Manifest, Tensor
from gemtab.contracts.model_config import ModelConfig
from gemtab.contracts.names import tensor_shapes
from gemtab.contracts.placement import rows_and_width
from gemtab.contracts.quantization import planes
from gemtab.plan.needs import needs
from gemtab.plan.settings import Settings
from gemtab_build.artifact import open_artifact
from gemtab_build.checkpoint.model_source import look_at_model
from gemtab_build.checkpoint.packed import choose_weights, find_packed
from gemtab_build.checkpoint.rename import match_tensors
from gemtab_build.weights.encode_tensors import choose_for

MIN_BINDING = 128 << 20  # what every WebGPU device offers


def inspect(model: str, revision: str | None = None) -> dict[str, Any]:
    """Facts of a checkpoint's folder, a Hub id, `demo`, or a built site, as plain data."""
    folder = Path(model)
    if (folder / "model" / "manifest.json").is_file() or (folder / "manifest.json").is_file():
        return of_manifest(open_artifact(folder)[0])
    checkpoint = look_at_model(model, revision)
    names, notes = match_tensors(checkpoint.tensors, checkpoint.config)
    packed = find_packed(checkpoint, names)
    wanted = choose_weights("auto", packed)
    tensors = {
        name: Tensor(
            shape,
            packed[name].encoding
            if name in packed
            else choose_for(checkpoint, names[name], shape, wanted)[0],
            (),
        )
        for name, shape in tensor_shapes(checkpoint.config).items()
    }
    facts = _facts(checkpoint.config, tensors)
    dtypes = sorted({tensor.dtype for tensor in checkpoint.tensors.values()})
    return {"kind": "checkpoint", "dtypes": dtypes, **facts, "notes": list(notes)}


def of_manifest(manifest: Manifest) -> dict[str, Any]:
    """Facts of an artifact."""
    facts = _facts(manifest.config, manifest.tensors)
    return {
        "kind": "artifact",
        "model": manifest.model,
        "weights": manifest.weights,
        **facts,
        "shards": len(manifest.sources),
        "download_bytes": sum(source.bytes for source in manifest.sources)
        + sum(file.bytes for file in manifest.files.values()),
        "notes": list(manifest.notes),
    }


def _facts(config: ModelConfig, stored: Mapping[str, Tensor]) -> dict[str, Any]:
    tensors: dict[str, dict[str, Any]] = {
        name: {
            "shape": list(shape),
            "encoding": stored[name].encoding,
            "bytes": _bytes(shape, stored[name].encoding),
        }
        for name, shape in tensor_shapes(config).items()
    }
    by_encoding: dict[str, int] = {}
    for tensor in tensors.values():
        by_encoding[tensor["encoding"]] = by_encoding.get(tensor["encoding"], 0) + tensor["bytes"]
    largest = max(
        plane.bytes(rows_and_width(tuple(t["shape"]))[0])
        for t in tensors.values()
        for plane in planes(t["encoding"], rows_and_width(tuple(t["shape"]))[1])
    )
    return {
        "config": config.to_json(),
        "parameters": sum(_count(t["shape"]) for t in tensors.values()),
        "tensors": tensors,
        "weight_bytes": sum(by_encoding.values()),
        "weight_bytes_by_encoding": by_encoding,
        "kv_bytes_f16": {str(n): kv_bytes(config, n) for n in _contexts(config.max_position)},
        "device": {"largest_plane": largest, "smallest_binding": min(largest, MIN_BINDING)},
        "needs": asdict(needs(config, stored)),
    }


def _count(shape: list[int]) -> int:
    rows, width = rows_and_width(tuple(shape))
    return rows * width


def _bytes(shape: tuple[int, ...], encoding: str) -> int:
    rows, width = rows_and_width(shape)
    return sum(plane.bytes(rows) for plane in planes(encoding, width))


def _contexts(longest: int) -> list[int]:
    """512, 2048, 8192, … and the longest."""
    contexts = [512 * 4**step for step in range(10) if 512 * 4**step < longest]
    return [*contexts, longest]


def kv_bytes(config: ModelConfig, context: int) -> int:
    """Bytes of K and V in f16 that a plan sets aside for `context` positions."""
    settings = Settings.chosen(config, DeviceFacts("any"), context)
    return sum(buffer.bytes for buffer in settings.cache_buffers())

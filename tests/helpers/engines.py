"""Engines over tensors in memory: no files, no shards, weights in f32 unless another encoding is named."""

import asyncio
import json
from functools import cache, partial

import numpy as np

from gemtab.contracts.manifest import Generation, Manifest, Piece, Source, Tensor
from gemtab.generate.engine import Engine
from gemtab.generate.fitting import fitted
from gemtab.generate.loop import Run, generate
from gemtab.generate.sampling import GREEDY
from gemtab.plan.settings import Settings
from gemtab.weights.files import FileArtifact
from gemtab_build.site.kernels_file import kernels_json
from gemtab_build.weights.quantize import encode


def memory_engine(device, config, tensors, capacity=512, encodings=None, **settings) -> Engine:
    """An engine whose weights are `tensors`, f32 but for those named in `encodings`."""
    manifest, upload, stage = _in_memory(device, config, tensors, encodings)
    shaders = _shaders(config, tuple(manifest.tensors.items()))
    planned = Settings(config, device.facts, capacity, **settings)
    return asyncio.run(Engine.load(device, manifest, planned, shaders, upload, stage=stage))


def fitted_engine(
    device,
    config,
    tensors,
    notes,
    tell=lambda _: None,
    capacity=512,
    encodings=None,
    plain=False,
    **settings,
) -> Engine:
    """As `memory_engine`, on a device that is tried first, if the kernels are not `plain` ones alone."""
    manifest, upload, stage = _in_memory(device, config, tensors, encodings)
    shaders = _shaders(config, tuple(manifest.tensors.items()), plain)
    planned = Settings(config, device.facts, capacity, **settings)

    async def load():
        fit = await fitted(device, manifest, planned, shaders, notes, tell)
        return await Engine.load(device, manifest, fit, shaders, upload, stage=stage)

    return asyncio.run(load())


def tiny_artifact(device, config, tensors, encodings=None, plain=False):
    """A manifest of the tensors, and their shaders."""
    manifest, *_ = _in_memory(device, config, tensors, encodings)
    return manifest, _shaders(config, tuple(manifest.tensors.items()), plain)


def _in_memory(device, config, tensors, encodings):
    """A manifest of the tensors, and what uploads and stages them."""
    entries, sources, stored = {}, [], []
    for name, values in tensors.items():
        rows = values.shape[0] if values.ndim == 2 else 1
        encoding = (encodings or {}).get(name, "f32")
        pieces = []
        for plane, data in encode(values, encoding).items():
            pieces.append(Piece(plane, 0, rows, len(sources), 0, len(data)))
            sources.append(Source(f"{name}.{plane}", 0, len(data), ""))
            stored.append(memoryview(data))
        entries[name] = Tensor(values.shape, encoding, tuple(pieces))
    manifest = Manifest("tiny", "f32", config, Generation((1,)), {}, tuple(sources), entries, {})

    async def upload(index, targets):
        for target in targets:
            end = target.source_offset + target.bytes
            data = stored[index][target.source_offset : end]
            device.write(target.buffer, target.buffer_offset, data)

    async def stage(planes, ids):
        for plane in planes:
            found = (plane.find(token_id) for token_id in ids)
            rows = [stored[source][at : at + plane.row_bytes] for source, at in found]
            device.write(plane.buffer, 0, b"".join(rows))

    return manifest, upload, stage


def artifact_engine(device, folder, capacity=512, **settings) -> Engine:
    """An engine of a built artifact, with shaders rendered anew."""
    artifact = FileArtifact(folder)
    manifest = artifact.manifest
    shaders = _shaders(manifest.config, tuple(manifest.tensors.items()))
    planned = Settings(manifest.config, device.facts, capacity, **settings)
    upload, stage = partial(artifact.upload, device), partial(artifact.stage, device)
    return asyncio.run(Engine.load(device, manifest, planned, shaders, upload, stage=stage))


@cache
def _shaders(config, tensors, plain=False):
    """kernels.json of a model, read: most engines of a test run are of the same few."""
    return json.loads(kernels_json(config, dict(tensors), plain))


def engine_logits(engine, ids) -> np.ndarray:
    """f32 [tokens, vocab]."""
    found = asyncio.run(engine.logits(ids))
    return np.frombuffer(found, "<f4").reshape(len(ids), -1)


def engine_reply(engine, ids, max_tokens=16, sampling=GREEDY, stop_ids=(), **options) -> Run:
    """A finished reply to a prompt of ids."""
    run = Run(ids, sampling, max_tokens, frozenset(stop_ids), **options)

    async def drain():
        async for _ in generate(engine, run):
            pass

    asyncio.run(drain())
    return run


def relative_l2(found, wanted) -> np.ndarray:
    """The error of each row against the reference's size."""
    return np.linalg.norm(found - wanted, axis=-1) / np.linalg.norm(wanted, axis=-1)

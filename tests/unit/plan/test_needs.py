"""What the manifest says that a device needs is what a plan then takes."""

import json
from dataclasses import replace
from math import prod

import pytest

from gemtab.contracts.device_facts import DeviceFacts
from gemtab.contracts.errors import DeviceError
from gemtab.contracts.manifest import Manifest, Piece, Tensor
from gemtab.contracts.names import EMBED, HEAD, PLE_EMBED, tensor_shapes
from gemtab.contracts.placement import VECTORS
from gemtab.contracts.quantization import planes
from gemtab.plan.forward import plan_decode
from gemtab.plan.memory import check_limits, gpu_memory
from gemtab.plan.model import Model
from gemtab.plan.needs import needs
from gemtab.plan.settings import Settings
from gemtab_build.artifact import build_artifact
from helpers.tiny_model import GEMMA3, tiny_config
from helpers.toy_checkpoint import write_checkpoint

CONFIGS = {
    "per-layer embeddings": tiny_config(max_position_embeddings=9001),
    "none": tiny_config(hidden_size_per_layer_input=0),
    "a head of its own": replace(tiny_config(), tied=False),
    "Gemma 3": tiny_config(**GEMMA3),
}
configs = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)


def tensors_of(config):
    return {
        name: Tensor(shape, "q4" if len(shape) == 2 else "f32", ())
        for name, shape in tensor_shapes(config).items()
    }


def planned(config, context, ple_on_disk, **limits):
    facts = DeviceFacts("any", limits=limits)
    return replace(Settings.chosen(config, facts, context), ple_on_disk=ple_on_disk)


@configs
def test_memory_is_what_a_plan_takes_at_every_context(config):
    tensors = tensors_of(config)
    found = needs(config, tensors)

    for context, at in found.contexts.items():
        memory = gpu_memory(Model.on(planned(config, int(context), True), tensors))
        assert found.weights + at.cache + at.scratch == memory.total
    whole = gpu_memory(Model.on(planned(config, found.context, False), tensors))
    assert (found.table, found.weights) == (whole.table, whole.weights - whole.table)
    assert max(map(int, found.contexts)) == config.max_position


@configs
def test_a_token_reads_the_weights_that_its_program_binds(config):
    tensors = tensors_of(config)
    model = Model.on(planned(config, 512, True), tensors)
    bound = {
        (part.buffer, part.bytes)
        for step in plan_decode(model).steps
        for part in step.slices
        if step.kernel.template != "embed"
    }
    buffers = {(buffer.name, buffer.bytes) for buffer in model.weight_buffers()}
    weights = {(name, size) for name, size in buffers if name != VECTORS}  # those have gaps
    vectors = sum(4 * prod(one.shape) for one in tensors.values() if len(one.shape) != 2)
    tables = [PLE_EMBED] * (PLE_EMBED in tensors) + [EMBED] * (HEAD in tensors)
    rows = sum(plane.bytes(1) for name in tables for plane in planes("q4", tensors[name].shape[1]))

    matrices = sum(size for _, size in weights & bound)
    assert needs(config, tensors).token == matrices + vectors + rows


@configs
def test_a_device_that_binds_what_is_needed_takes_the_model_and_no_smaller_one(config):
    at = needs(config, tensors_of(config)).contexts[str(config.max_position)]
    fits = -(-at.binding // 256) * 256

    check_limits(planned(config, config.max_position, True, maxStorageBufferBindingSize=fits))
    with pytest.raises(DeviceError, match="MiB at a time"):
        check_limits(
            planned(config, config.max_position, True, maxStorageBufferBindingSize=fits - 256)
        )


def test_the_start_needs_every_source_that_holds_more_than_a_long_table(monkeypatch):
    config = CONFIGS["per-layer embeddings"]
    lying = {PLE_EMBED: (("codes", 1, 300), ("codes", 2, 500)), EMBED: (("codes", 1, 200),)}
    tensors = {
        name: replace(
            tensor,
            pieces=tuple(
                Piece(plane, 0, 1, source, 0, size)
                for plane, source, size in lying.get(name, (("values", 0, 1),))
            ),
        )
        for name, tensor in tensors_of(config).items()
    }
    rest = len(tensors) - 2

    assert needs(config, tensors).start == 1, "a short table is waited for"
    monkeypatch.setattr("gemtab.plan.needs.LONG_DOWNLOAD", 0)
    assert needs(config, tensors).start == round((rest + 500) / (rest + 1000), 4)


def test_an_artifact_tells_its_needs_and_an_older_one_none(rng, tmp_path):
    write_checkpoint(tmp_path / "hf", rng)
    manifest = build_artifact(str(tmp_path / "hf"), tmp_path / "site")
    text = manifest.to_json()

    assert manifest.needs == needs(manifest.config, manifest.tensors)
    assert Manifest.from_json(text) == manifest
    older = {key: value for key, value in json.loads(text).items() if key != "needs"}
    assert Manifest.from_json(json.dumps(older)).needs is None

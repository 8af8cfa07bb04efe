"""What a site carries: every kernel that a plan picks, whatever the context and whatever a device binds."""

import json

import pytest

from gemtab.contracts.device_facts import DeviceFacts
from gemtab.contracts.manifest import Tensor
from gemtab.contracts.names import tensor_shapes
from gemtab.kernels.tuning import BY_CHUNK, BY_TOKEN
from gemtab.plan.forward import plan_decode, plan_prefill, plan_score
from gemtab.plan.model import Model
from gemtab.plan.settings import Settings
from gemtab_build.cli import main
from gemtab_build.site.kernels_file import all_kernels, kernels_json
from helpers.tiny_model import tiny_config

LONG = 131_072


def encoded(config, encoding):
    return {
        name: Tensor(shape, encoding if len(shape) == 2 else "f32", ())
        for name, shape in tensor_shapes(config).items()
    }


def picked(model):
    programs = [plan_decode(model)]
    programs += [
        plan(model, tokens) for plan in (plan_prefill, plan_score) for tokens in (1, 7, 70)
    ]
    return {kernel.name for program in programs for kernel in program.kernels}


@pytest.mark.parametrize("window", [24, 512, 1024, 4096, 8192])
def test_kernels_of_every_context(window):
    config = tiny_config(sliding_window=window, max_position_embeddings=LONG)
    tensors = encoded(config, "q4")
    carried = all_kernels(config, tensors).keys()

    for capacity in (2, 512, 1024, 2048, 4096, 8192, LONG):
        settings = Settings(config, DeviceFacts("any", frozenset(), {}), capacity)
        assert picked(Model.on(settings, tensors)) <= carried


@pytest.mark.parametrize("tuning", [*BY_TOKEN, *BY_CHUNK], ids=str)
@pytest.mark.parametrize("encoding", ["f16", "q4", "w4"])
def test_kernels_of_every_tuning(encoding, tuning):
    config = tiny_config()
    tensors = encoded(config, encoding)
    facts = DeviceFacts("any", frozenset({"subgroups"}), {})

    model = Model.on(Settings(config, facts, 512, tuning=tuning), tensors)

    assert picked(model) <= all_kernels(config, tensors).keys()


@pytest.mark.parametrize("largest", [1 << 27, 130_000, 12_288])
@pytest.mark.parametrize("encoding", ["f32", "f16", "q8", "q4", "w4"])
def test_kernels_of_every_size_of_bindings(encoding, largest):
    config = tiny_config()
    tensors = encoded(config, encoding)
    facts = DeviceFacts("any", frozenset(), {"maxStorageBufferBindingSize": largest})

    model = Model.on(Settings(config, facts, 512), tensors)

    assert picked(model) <= all_kernels(config, tensors).keys()


@pytest.mark.parametrize("capacity", [2, 4096, LONG])
def test_plain_kernels_are_what_a_device_without_features_takes(capacity):
    config = tiny_config(max_position_embeddings=LONG)
    tensors = encoded(config, "q4")
    entries = json.loads(kernels_json(config, tensors, plain=True))

    settings = Settings(config, DeviceFacts("any", frozenset(), {}), capacity)
    assert picked(Model.on(settings, tensors)) <= entries.keys()
    assert {feature for entry in entries.values() for feature in entry["features"]} == set()
    assert len(entries) < len(all_kernels(config, tensors)) / 2


def test_every_device_begins_with_the_same_plain_kernels():
    config = tiny_config()
    entries = json.loads(kernels_json(config, encoded(config, "q4"), plain=True))

    def first(*features):
        return {name for name, entry in entries.items() if list(features) in entry["first"]}

    assert first() == first("shader-f16", "subgroups") != set()


@pytest.mark.parametrize(("options", "has_forms"), [((), False), (("--kernels", "all"), True)])
def test_a_small_model_comes_with_plain_kernels_unless_all_are_wanted(tmp_path, options, has_forms):
    assert main(["build", "demo", "--model-only", *options, "--out", str(tmp_path / "site")]) == 0

    file = next((tmp_path / "site" / "model").glob("kernels.*.json"))
    entries = json.loads(file.read_text(encoding="utf-8"))
    assert any(entry["features"] for entry in entries.values()) == has_forms


@pytest.mark.parametrize("features", [(), ("shader-f16", "subgroups")])
def test_what_a_chat_begins_with_is_told_by_features(features):
    config = tiny_config()
    tensors = encoded(config, "q4")
    entries = json.loads(kernels_json(config, tensors))
    settings = Settings.chosen(config, DeviceFacts("any", frozenset(features), {}))
    model = Model.on(settings, tensors)

    first = {name for name, entry in entries.items() if list(features) in entry["first"]}
    programs = plan_decode(model), plan_prefill(model, settings.chunk)
    assert first == {kernel.name for program in programs for kernel in program.kernels}

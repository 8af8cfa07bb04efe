"""Programs: what runs for which tokens, and how tensors are split under a binding's limit."""

import math

import numpy as np
import pytest

from gemtab.contracts.device_facts import DeviceFacts
from gemtab.contracts.errors import DeviceError, UsageError
from gemtab.contracts.manifest import Manifest, Tensor
from gemtab.contracts.model_config import FULL, SLIDING, Rope
from gemtab.contracts.names import tensor_shapes
from gemtab.contracts.placement import place
from gemtab.contracts.quantization import planes
from gemtab.plan.forward import plan_decode, plan_prefill
from gemtab.plan.model import Model
from gemtab.plan.rope import rope_pairs, rope_table
from gemtab.plan.settings import Settings
from helpers.tiny_model import tiny_config

ROOMY = DeviceFacts("any", frozenset(), {})
# the sizes of Gemma 4 E2B
E2B = {
    "vocab_size": 262144, "vocab_size_per_layer_input": 262144, "hidden_size": 1536,
    "intermediate_size": 6144, "num_hidden_layers": 35, "num_attention_heads": 8,
    "num_key_value_heads": 1, "head_dim": 256, "global_head_dim": 512, "sliding_window": 512,
    "layer_types": ([SLIDING] * 4 + [FULL]) * 7, "num_kv_shared_layers": 20,
    "hidden_size_per_layer_input": 256, "max_position_embeddings": 131072,
}  # fmt: skip


def model(config, encoding="q4", facts=ROOMY, capacity=512):
    tensors = {
        name: Tensor(shape, encoding if len(shape) == 2 else "f32", ())
        for name, shape in tensor_shapes(config).items()
    }
    return Model.on(Settings(config, facts, capacity), tensors)


def test_prefill_leaves_out_what_no_later_layer_reads():
    config = tiny_config(**E2B)
    labels = [step.label for step in plan_prefill(model(config), 64).steps]

    assert labels[-3:] == ["layers.14.k", "layers.14.v", "layers.14.heads"]
    assert not any(
        label.startswith(("layers.14.q", "layers.15.", "embed.head")) for label in labels
    )
    assert sum(label.endswith(".down") for label in labels) == 14


def test_shared_layers_read_their_owners_cache():
    config = tiny_config(**E2B)
    steps = {step.label: step for step in plan_decode(model(config)).steps}

    assert {s.buffer for s in steps["layers.33.attend"].slices} >= {"k.13", "v.13"}
    assert {s.buffer for s in steps["layers.34.attend"].slices} >= {"k.14", "v.14"}


def test_no_binding_is_larger_than_the_device_allows():
    facts = DeviceFacts("small", frozenset(), {"maxStorageBufferBindingSize": 128 << 20})
    program = plan_decode(model(tiny_config(**E2B), facts=facts))

    assert max(part.bytes for step in program.steps for part in step.slices) <= 128 << 20
    assert sum(step.label == "ple.embed" for step in program.steps) == 9
    assert all(len(step.slices) <= 8 for step in program.steps)


@pytest.mark.parametrize("encoding", ["f32", "f16", "q8", "q4"])
def test_parts_cover_every_row_once_and_begin_on_words(encoding):
    tensor = Tensor((1031, 160), encoding, ())
    (parts,) = place({"t": tensor}, 9000).values()

    assert [part.first_row for part in parts] == list(
        np.cumsum([0, *(part.rows for part in parts)])[:-1]
    )
    assert sum(part.rows for part in parts) == 1031
    for part in parts:
        for plane in planes(encoding, 160):
            assert part.first_row * plane.bits_per_row % 32 == 0
        assert all(where.bytes <= 9000 for _, where in part.buffers)


def test_a_binding_too_small_for_a_row_is_refused_by_name():
    with pytest.raises(DeviceError, match=r"rows of wide take .* binds at most 1024"):
        place({"wide": Tensor((100, 4096), "f32", ())}, 1024)


def test_rope_rows_multiply_to_the_angle_of_any_position():
    rope = Rope(1e4)
    pairs = rope_pairs(rope, 64)
    table = np.frombuffer(rope_table(rope, 64, 131072), "<f4").reshape(-1, pairs, 2)
    table = table[..., 0] + 1j * table[..., 1]

    for position in (0, 255, 256, 4097, 131071):
        found = table[position % 256] * table[256 + position // 256]
        angles = [position * 1e4 ** (-2 * i / 64) for i in range(pairs)]
        wanted = [complex(math.cos(angle), math.sin(angle)) for angle in angles]
        assert np.abs(found - wanted).max() < 3e-7


def test_proportional_rope_turns_a_quarter_of_the_pairs():
    assert rope_pairs(Rope(1e6, 0.25), 512) == 64


def test_settings_refuse_what_does_not_fit():
    config = tiny_config()
    with pytest.raises(UsageError, match="from 2 to 4096 tokens for this model, got 9999"):
        Settings(config, ROOMY, 9999)
    with pytest.raises(UsageError, match="--kv is one of f32, f16, q8, got 'f64'"):
        Settings(config, ROOMY, 64, kv="f64")


def test_a_newer_manifest_says_so():
    from gemtab.contracts.errors import ArtifactError

    with pytest.raises(ArtifactError, match="format 2, this engine reads up to 1"):
        Manifest.from_json('{"format": 2}')

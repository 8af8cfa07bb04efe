"""Programs: what runs for which tokens, in how many dispatches, and what each step binds."""

import math
from collections import Counter

import numpy as np
import pytest

from gemtab.contracts.device_facts import DeviceFacts
from gemtab.contracts.errors import UsageError
from gemtab.contracts.manifest import Manifest
from gemtab.contracts.model_config import FULL, SLIDING, Rope
from gemtab.contracts.placement import ALIGNMENT
from gemtab.plan.accounts import accounts
from gemtab.plan.forward import plan_decode, plan_prefill, plan_score
from gemtab.plan.model import Model
from gemtab.plan.rope import rope_pairs, rope_table
from gemtab.plan.settings import Settings
from helpers.e2b_sizes import E2B, named_tensors
from helpers.tiny_model import SHAPES, tiny_config

ROOMY = DeviceFacts(
    "roomy", frozenset(), {"maxStorageBufferBindingSize": (4 << 30) - 4, "maxBufferSize": 4 << 30}
)
# a larger one of its kind, with the sizes of Gemma 4 E4B
E4B = E2B | {
    "hidden_size": 2560, "intermediate_size": 10240, "num_hidden_layers": 42,
    "num_key_value_heads": 2, "layer_types": ([SLIDING] * 5 + [FULL]) * 7,
    "num_kv_shared_layers": 18, "use_double_wide_mlp": False,
}  # fmt: skip


def model(config, encoding="q4", facts=ROOMY, capacity=512):
    return Model.on(Settings(config, facts, capacity), named_tensors(config, encoding))


def layers_of(program):
    """How many steps each layer has."""
    labels = (step.label.split(".") for step in program.steps)
    return Counter(int(label[1]) for label in labels if label[0] == "layers")


def test_prefill_leaves_out_what_no_later_layer_reads():
    config = tiny_config(**E2B)
    labels = [step.label for step in plan_prefill(model(config), 64).steps]

    assert labels[-3:] == ["layers.14.k", "layers.14.v", "layers.14.heads"]
    assert not any(
        label.startswith(("layers.14.q", "layers.15.", "embed.head")) for label in labels
    )
    assert sum(label.endswith(".down") for label in labels) == 14


def test_a_token_of_e2b_takes_seven_dispatches_a_layer():
    program = plan_decode(model(tiny_config(**E2B), capacity=4096))

    full = range(4, 35, 5)  # these merge the splits of a long context
    assert layers_of(program) == {index: 7 + (index in full) for index in range(35)}
    assert len(program.steps) <= 260


def test_a_token_of_e2b_reads_little_more_than_its_weights_and_keys():
    """With K and V as often as workgroups ask for them: those of full layers twice, for four heads each."""
    program = plan_decode(model(tiny_config(**E2B), capacity=4096))

    for position, most in ((0, 1.013), (511, 1.02), (4095, 1.056)):
        cost = accounts(program, 1, position).total
        window = 28 * min(position + 1, 512) * 256
        keys_and_values = 2 * 2 * (window + 7 * (position + 1) * 512)
        assert cost.read + cost.written <= most * (cost.weights + keys_and_values)


def test_a_windows_keys_are_split_over_eight_workgroups_that_the_next_matrix_merges():
    steps = plan_decode(model(tiny_config(**E2B), capacity=4096)).steps

    pairs = [(steps[at], steps[at + 1]) for at in range(len(steps) - 1)]
    windows = [
        (attend, o)
        for attend, o in pairs
        if attend.kernel.template == "attend" and attend.shape[8] == 512
    ]
    assert len(windows) == 28
    for attend, o in windows:
        assert attend.grid == (1, 1, 8)
        assert dict(o.kernel.includes)["source"] == "source_splits"
        assert o.slices[0] == attend.slices[3]


def test_a_prompts_token_of_e2b_costs_530_million_multiply_adds():
    program = plan_prefill(model(tiny_config(**E2B), capacity=4096), 128)

    products = [step.shape[:2] for step in program.steps if step.kernel.template == "matmul"]
    assert 500e6 <= sum(n_in * n_out for n_in, n_out in products) <= 530e6
    assert max(layers_of(program)) == 14  # the last that owns K and V


SMALL = DeviceFacts("small", frozenset(), {"maxStorageBufferBindingSize": 12_288})


@pytest.mark.parametrize("facts", [ROOMY, SMALL], ids=["roomy", "small"])
@pytest.mark.parametrize("changes", SHAPES.values(), ids=SHAPES)
def test_no_step_writes_a_buffer_that_it_binds_twice(changes, facts):
    """WebGPU refuses that; and a residual stream must not be written under its readers."""
    planned = model(tiny_config(**changes), "f32", facts, capacity=2048)

    for program in (plan_decode(planned), plan_prefill(planned, 7), plan_score(planned, 7)):
        for step in program.steps:
            bound = Counter(part.buffer for part in step.slices)
            pairs = zip(step.kernel.bindings, step.slices, strict=True)
            written = {part.buffer for slot, part in pairs if slot.startswith("*")}
            assert all(bound[buffer] == 1 for buffer in written), step.label


@pytest.mark.parametrize("changes", SHAPES.values(), ids=SHAPES)
def test_bindings_are_within_their_buffers_and_begin_where_they_may(changes):
    planned = model(tiny_config(**changes), "f16", capacity=2048)
    sizes = {buffer.name: buffer.bytes for buffer in planned.weight_buffers()}

    for program in (plan_decode(planned), plan_prefill(planned, 7), plan_score(planned, 7)):
        sizes |= {buffer.name: buffer.bytes for buffer in program.buffers}
        for part in (part for step in program.steps for part in step.slices):
            assert part.offset % ALIGNMENT == 0
            assert 0 < part.bytes <= sizes[part.buffer] - part.offset


def test_shared_layers_read_their_owners_cache():
    config = tiny_config(**E2B)
    steps = {step.label: step for step in plan_decode(model(config)).steps}

    assert {s.buffer for s in steps["layers.33.attend"].slices} >= {"k.13", "v.13"}
    assert {s.buffer for s in steps["layers.34.attend"].slices} >= {"k.14", "v.14"}


FLOOR = DeviceFacts(
    "floor", frozenset(), {"maxStorageBufferBindingSize": 128 << 20, "maxBufferSize": 256 << 20}
)


@pytest.mark.parametrize(("changes", "table_parts"), [(E2B, 9), (E4B, 11)], ids=["E2B", "E4B"])
def test_nothing_is_larger_than_the_smallest_device_takes(changes, table_parts):
    planned = model(tiny_config(**changes), facts=FLOOR, capacity=32768)
    decode = plan_decode(planned)

    for program in (decode, plan_prefill(planned, 128)):
        assert max(part.bytes for step in program.steps for part in step.slices) <= 128 << 20
        assert max(buffer.bytes for buffer in program.buffers) <= 128 << 20
        assert all(len(step.slices) <= 8 for step in program.steps)
    assert max(buffer.bytes for buffer in planned.weight_buffers()) <= 256 << 20
    assert sum(step.label == "ple.embed" for step in decode.steps) == table_parts


def complex_rows(rope, head_dim, capacity):
    """The tables' rows as numbers cos + i·sin, one a pair."""
    table = np.frombuffer(rope_table(rope, head_dim, capacity), "<f4")
    fours = table.reshape(-1, rope_pairs(rope, head_dim) // 4, 2, 4)
    return (fours[:, :, 0] + 1j * fours[:, :, 1]).reshape(len(fours), -1)


def test_rope_rows_multiply_to_the_angle_of_any_position():
    rope = Rope(1e4)
    pairs = rope_pairs(rope, 64)
    table = complex_rows(rope, 64, 131072)

    for position in (0, 255, 256, 4097, 131071):
        found = table[position % 256] * table[256 + position // 256]
        angles = [position * 1e4 ** (-2 * i / 64) for i in range(pairs)]
        wanted = [complex(math.cos(angle), math.sin(angle)) for angle in angles]
        assert np.abs(found - wanted).max() < 3e-7


def test_proportional_rope_turns_a_quarter_of_the_pairs():
    assert rope_pairs(Rope(1e6, 0.25), 512) == 64


def test_pairs_beyond_a_quarter_keep_still_where_they_fill_up_a_four():
    rows = complex_rows(Rope(1e6, 0.25), 40, 1024)
    assert rows.shape[1] == 8
    assert np.all(rows[:, 5:] == 1)
    assert np.all(rows[1:256, :5] != 1)


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

"""The plan of a packed Gemma 4 E2B: what is bound, what is read, what the kernels are told."""

from collections import Counter
from dataclasses import replace

import pytest

from gemtab.contracts import names
from gemtab.contracts.device_facts import INTEGER_DOT, DeviceFacts
from gemtab.contracts.manifest import Generation, Manifest, Tensor
from gemtab.contracts.model_config import FULL, SLIDING
from gemtab.contracts.program import SHAPE_WORDS, float_word
from gemtab.contracts.quantization import packed_fault, packed_form
from gemtab.kernels.tuning import Tuning
from gemtab.plan.forward import plan_decode, plan_prefill
from gemtab.plan.model import Model
from gemtab.plan.settings import Settings
from helpers.tiny_model import tiny_config

SRQ = (0.0371, 0.25)
CONFIG = tiny_config(
    vocab_size=262144, vocab_size_per_layer_input=262144, hidden_size=1536,
    intermediate_size=6144, num_hidden_layers=35, num_attention_heads=8, num_key_value_heads=1,
    head_dim=256, global_head_dim=512, sliding_window=512,
    layer_types=([SLIDING] * 4 + [FULL]) * 7, num_kv_shared_layers=20,
    hidden_size_per_layer_input=256, max_position_embeddings=131072, tie_word_embeddings=False,
)  # fmt: skip
# parameters of E2B's matrices by the bits that the published file gives them
BITS_4, BITS_2, BITS_8 = 127401984 + 150994944 + 424673280, 1132462080 + 402653184, 27525120


def encoding(name):
    index, _, part = name.removeprefix("layers.").partition(".")
    if name in (names.EMBED, names.HEAD):
        return "w2"
    if name.startswith("ple."):
        return "w4/35" if name == names.PLE_EMBED else "bf16"
    if part.startswith("ple"):
        return "w8"
    return "w2" if part in ("gate", "up", "down") and int(index) >= 15 else "w4"


@pytest.fixture(scope="module")
def model():
    facts = DeviceFacts("small", frozenset(), {"maxStorageBufferBindingSize": 128 << 20})
    tensors = {
        name: Tensor(
            shape, encoding(name), (), SRQ if name.startswith(("layers", "head")) else None
        )
        if len(shape) == 2
        else Tensor(shape, "f32", ())
        for name, shape in names.tensor_shapes(CONFIG).items()
    }
    return Model.on(Settings(CONFIG, facts, 512), tensors)


def test_every_row_of_e2b_fits_its_encoding(model):
    packed = [tensor for tensor in model.tensors.values() if packed_form(tensor.encoding)]

    assert len(packed) == 2 + 1 + 35 * 7 + 15 * 2
    assert not any(packed_fault(tensor.encoding, tensor.shape[1]) for tensor in packed)


def test_bindings_and_shapes_stay_within_what_a_device_gives(model):
    for program in (plan_decode(model), plan_prefill(model, 64)):
        assert max(part.bytes for step in program.steps for part in step.slices) <= 128 << 20
        assert all(len(step.slices) <= 8 for step in program.steps)
        assert all(len(step.shape) <= SHAPE_WORDS for step in program.steps)


def test_a_token_reads_the_codes_of_the_published_mix(model):
    steps = plan_decode(model).steps
    codes = sum(
        part.bytes
        for step in steps
        if step.kernel.template == "matvec"
        for slot, part in zip(step.kernel.bindings, step.slices, strict=True)
        if slot == "codes"
    )

    assert codes == BITS_4 // 2 + BITS_2 // 4 + BITS_8


def test_each_linear_is_told_its_grids(model):
    steps = {step.label: step for step in plan_decode(model).steps}

    assert grids(steps["head"])[0] == tuple(map(float_word, SRQ))
    assert grids(steps["layers.20.gate+"])[:2] == [tuple(map(float_word, SRQ))] * 2
    assert dict(steps["layers.20.gate+"].kernel.includes)["weights"] == "weights_w2"
    assert grids(steps["ple.projection"]) == [(0, 0)] * 3


def grids(step):
    """The words of the grids of up to three matrices: (input, output)."""
    return list(zip(step.shape[12:15], step.shape[16:19], strict=True))


def test_joined_linears_keep_their_own_grids(model):
    tensors = dict(model.tensors)
    own = {"layers.3.q": (0.5, 0.25), "layers.3.k": (0.125, 2.0), "layers.3.v": (4.0, 8.0)}
    for name, srq in own.items():
        tensors[name] = replace(tensors[name], srq=srq)

    steps = {step.label: step for step in plan_decode(replace(model, tensors=tensors)).steps}

    step = steps["layers.3.q+"]
    assert grids(step) == [tuple(map(float_word, srq)) for srq in own.values()]
    assert (step.shape[11], step.shape[15]) == (2048, 2304)  # where k and v begin


def test_a_packed_token_takes_seven_dispatches_a_layer(model):
    """Those of q4, one for each part of the per-layer embeddings' table beyond the first."""
    program = plan_decode(model)

    labels = [step.label for step in program.steps]
    layers = Counter(label.split(".")[1] for label in labels if label.startswith("layers"))
    assert layers == {str(index): 7 for index in range(35)}
    assert len(labels) - labels.count("ple.embed") <= 252


def test_a_chunk_joins_them_too(model):
    labels = Counter(step.label.split(".")[-1] for step in plan_prefill(model, 64).steps)

    assert labels["q+"] == labels["gate+"] == 14
    assert not labels.keys() & {"q", "gate", "up"}


def test_grids_come_back_from_a_manifest_to_the_last_bit():
    tensors = {
        name: Tensor(shape, "w2", (), (0.1 + 2**-40, 0.0))
        for name, shape in names.tensor_shapes(CONFIG).items()
    }
    manifest = Manifest("m", "packed", CONFIG, Generation((1,)), {}, (), tensors, {})

    assert Manifest.from_json(manifest.to_json()) == manifest


def test_whole_numbers_are_multiplied_where_the_language_has_it(model):
    """In every linear with grids; the projection of per-layer embeddings has none."""
    settings = replace(model.settings, facts=replace(model.settings.facts, features={INTEGER_DOT}))

    steps = plan_decode(replace(model, settings=settings)).steps

    matrices = [step for step in steps if step.kernel.template.startswith("mat")]
    assert len(steps) == len(plan_decode(model).steps)
    assert {step.label for step in matrices if step.kernel.template != "matvec_i8"} == {
        "ple.projection"
    }
    chunk = plan_prefill(replace(model, settings=settings), 64).steps
    assert "matmul_i8" not in {step.kernel.template for step in chunk}
    tiled = replace(model, settings=replace(settings, tuning=Tuning(integer_tiles=True)))
    assert "matmul_i8" in {step.kernel.template for step in plan_prefill(tiled, 64).steps}

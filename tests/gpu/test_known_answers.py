"""Known answers of kernels: right ones pass on every device, and what a device gets wrong fails."""

import asyncio
import json
import re

import pytest

from gemtab.kernels.tuning import USUAL
from gemtab.trial.prove import failures
from gemtab_build.known_answers.variants import tuning_of
from gemtab_build.site.kernels_file import all_kernels, kernels_json
from gemtab_build.site.shaders import ROOT
from helpers.devices import ADAPTERS, on_devices
from helpers.every_form import every_form
from helpers.spoiled_memory import spoiled

DEVICES = [pytest.param((key, one.features), id=key) for key, one in ADAPTERS.items()]
OF_NO_PLAN = {"measure"}


@pytest.fixture(scope="module")
def carried():
    """Kernels and their entries of kernels.json, for every encoding."""
    kernels, entries = {}, {}
    for config, tensors in every_form():
        found = all_kernels(config, tensors)
        if not found.keys() <= kernels.keys():
            entries |= json.loads(kernels_json(config, tensors))
        kernels |= {name: one for name, one in found.items() if one.template not in OF_NO_PLAN}
    return kernels, entries


def usable(device, kernels):
    return [one for one in kernels.values() if device.facts.features >= {*one.features}]


def usual(kernels):
    """One of each template and encoding of the weights: other forms differ in what they include."""
    return [one for one in kernels if tuning_of(one) == USUAL]


def test_every_kernel_that_a_plan_picks_has_an_answer(carried):
    kernels, entries = carried

    assert {one.template for one in kernels.values()} == {
        path.stem for path in ROOT.glob("*.wgsl")
    } - OF_NO_PLAN
    assert [name for name in kernels if "trial" not in entries[name]] == []


@pytest.mark.parametrize("device", DEVICES, indirect=True)
def test_every_kernel_gives_its_answer(device, carried, request):
    kernels, entries = carried
    picked = usable(device, kernels)
    assert {one.features for one in picked} >= {(), ("subgroups",)}

    run = [one for one in picked if tuning_of(one) == USUAL or "weights_q4" in one.name]
    if (
        "mesa" in request.node.callspec.id
    ):  # Tint has tried the others on SwiftShader, which compiles quicker
        run = [one for one in run if "shader-f16" in one.features]
    assert asyncio.run(failures(device, entries, run)) == {}


def of_each_form(kernels):
    """One of each template and of each form that does not only read another encoding."""
    encodings = ("weights", "kv", "half", "half4", "table")
    found = {}
    for one in kernels:
        forms = frozenset(pair for pair in one.includes if pair[0] not in encodings)
        found.setdefault((one.template, forms), one)
    return list(found.values())


def with_spoiled_memory(kernels, entries, mark="spoiled"):
    """Kernels that share memory, under names of their own (devices keep what they compiled), and their entries with texts that find garbage in it."""
    renamed, changed = [], {}
    for one in kernels:
        text = entries[one.name]["wgsl"]
        if "var<workgroup>" in text:
            renamed.append(Renamed(one, f"{one.name} {mark}"))
            changed[renamed[-1].name] = {**entries[one.name], "wgsl": spoiled(text)}
    return renamed, changed


@pytest.mark.parametrize("device", DEVICES[:1], indirect=True)
def test_no_kernel_relies_on_workgroup_memory_that_starts_as_zero(device, carried):
    kernels, entries = carried
    renamed, changed = with_spoiled_memory(of_each_form(usual(usable(device, kernels))), entries)
    assert len(renamed) > 10

    assert asyncio.run(failures(device, changed, renamed)) == {}


@pytest.mark.parametrize("device", DEVICES[:1], indirect=True)
def test_a_kernel_that_relies_on_zeros_is_found(device, carried):
    """One that adds to what it finds where it ought to write."""
    kernels, entries = carried
    norms = [
        one for one in usual(usable(device, kernels)) if one.template == "norm" and not one.features
    ]
    store = re.compile(r"(partial_sums\[\w+\]) = ")
    relies = {one.name: store.sub(r"\1 += ", entries[one.name]["wgsl"], count=1) for one in norms}
    assert norms
    assert all(text != entries[name]["wgsl"] for name, text in relies.items())
    own = {name: {**entries[name], "wgsl": text} for name, text in relies.items()}
    renamed, changed = with_spoiled_memory(norms, own, "relies on zeros")

    found = asyncio.run(failures(device, changed, renamed))

    assert found.keys() == changed.keys()


def without_last_group(trial, axis):
    grid = list(trial["grid"])
    grid[axis] -= 1
    return {**trial, "grid": grid}


@pytest.mark.parametrize("device", DEVICES[:1], indirect=True)
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_answers_tell_of_every_edge(device, carried, axis):
    """Where the last workgroups of a dimension do nothing, it shows."""
    kernels, entries = carried
    several = [
        one
        for one in usual(usable(device, kernels))
        if entries[one.name]["trial"]["grid"][axis] > 1
    ]
    fewer = {
        one.name: {
            **entries[one.name], "trial": without_last_group(entries[one.name]["trial"], axis)
        }
        for one in several
    }  # fmt: skip

    found = asyncio.run(failures(device, fewer, several))

    assert found.keys() == fewer.keys()


WRONG = {  # right, wrong, and what tells the kernels that use it from those that only include it
    "a sum by subgroups that loses a lane": (
        "subgroupAdd(value)", "subgroupAdd(select(value, 0.0, lane == 7u))", "inverseSqrt(reduce_sum(",
    ),
    "halves the wrong way round": ("return vec2f(word);", "return vec2f(word).yx;", "fn weight_"),
    "halves of a cache the wrong way round": (
        "return vec4f(four);", "return vec4f(four).yxwz;", "fn attend(",
    ),
    "halves that are not written": (
        "return vec4<f16>(four);", "return vec4<f16>(four * 0.0);", "fn make_head(",
    ),
    "a plain kernel whose last lane does nothing": (
        "if (at.x >= shape.n ||", "if (at.x % LANES == LANES - 1u || at.x >= shape.n ||", "",
    ),
    "a tanh that is not a number far out": ("tanh(clamp(", "tanh(1.0e30 * clamp(", "fn softcap("),
    "what is not WGSL": ("fn norm(", "fun norm(", ""),
}  # fmt: skip


@on_devices(always=("shader-f16", "subgroups"))
@pytest.mark.parametrize(("right", "wrong", "use"), WRONG.values(), ids=WRONG)
def test_what_a_device_gets_wrong_fails(device, carried, right, wrong, use):
    kernels, entries = carried
    texts = {one: entries[one.name]["wgsl"] for one in usual(usable(device, kernels))}
    hit = [one for one, text in texts.items() if right in text and use in text]
    assert hit
    broken, renamed = {}, []
    for one in hit:  # under other names: the device keeps what it compiled
        entry = entries[one.name]
        renamed.append(Renamed(one, f"{one.name} {wrong}"))
        broken[renamed[-1].name] = {**entry, "wgsl": entry["wgsl"].replace(right, wrong)}

    found = asyncio.run(failures(device, broken, renamed))

    assert found.keys() == broken.keys()


class Renamed:
    """A kernel under another name."""

    def __init__(self, kernel, name):
        self.name, self.bindings = name, kernel.bindings

"""The features of a device with which every kernel that a model picks computes rightly."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import combinations

from gemtab.contracts.device_facts import DeviceFacts
from gemtab.contracts.errors import DeviceError
from gemtab.contracts.manifest import Manifest
from gemtab.contracts.program import Kernel
from gemtab.gpu.device import Device, Shaders
from gemtab.kernels.variant import OPTIONAL
from gemtab.plan.forward import plan_decode, plan_prefill, plan_score
from gemtab.plan.model import Model
from gemtab.plan.settings import Settings
from gemtab.trial.prove import failures

LENGTHS = (1, 2, 4, 8, 16, 32, 64, 128)  # of chunks, as they are planned; the longer take the same

LONG_CONTEXT = 1 << 15  # from which on attention takes what it takes in the longest

Lost = dict[str, str]  # feature: why


async def proven_features(
    device: Device, manifest: Manifest, settings: Settings, shaders: Shaders
) -> tuple[frozenset[str], Lost]:
    """The largest set of features with which every kernel is right, and why each other is lost.

    DeviceError where there is none: what fails then has no other form.
    """
    offered = settings.facts.features & {*OPTIONAL}
    failed: dict[str, str] = {}  # kernel: why
    passed: set[str] = set()
    reasons: Lost = {}
    for features in _subsets(offered):
        facts = replace(settings.facts, features=features)
        model = Model.on(replace(settings, facts=facts), dict(manifest.tensors))
        picked = picked_kernels(model)
        new = [one for one in picked if one.name not in failed and one.name not in passed]
        failed |= await failures(device, shaders, new)
        passed |= {one.name for one in new} - failed.keys()
        wrong = [one for one in picked if one.name in failed]
        if not wrong:
            lost = sorted(offered - features)
            return features, {one: reasons.get(one) or next(iter(failed.values())) for one in lost}
        for kernel in sorted(wrong, key=lambda one: len(one.features)):  # the fewer, the surer
            for feature in kernel.features:
                reasons.setdefault(feature, failed[kernel.name])
        plain = {one.name: failed[one.name] for one in wrong if not one.features}
        if plain and not features:
            raise refusal(settings.facts, plain)
    raise AssertionError("the empty set is a subset")


def refusal(facts: DeviceFacts, failed: Mapping[str, str]) -> DeviceError:
    """What a person is told where a kernel that has no other form fails: kernel and why."""
    name, why = next(iter(failed.items()))
    named = why if name in why else f"{name}: {why}"
    more = f", and {len(failed) - 1} more" if len(failed) > 1 else ""
    return DeviceError(
        f"This GPU ({facts.adapter}) does not compute what it should ({named}{more}), so its replies would be "
        f"wrong. Update the graphics driver and the browser, or use another GPU."
    )


def picked_kernels(model: Model) -> list[Kernel]:
    """The kernels of every pass, however long chunks and contexts are."""
    settings = model.settings
    longer = replace(settings, capacity=min(LONG_CONTEXT, settings.config.max_position))
    programs = [plan_decode(replace(model, settings=longer)), plan_decode(model)]
    programs.append(plan_score(model, LENGTHS[-1]))
    programs += [plan_prefill(model, tokens) for tokens in LENGTHS]
    found = {one.name: one for program in programs for one in program.kernels}
    return list(found.values())


def _subsets(features: frozenset[str]) -> Iterator[frozenset[str]]:
    """The largest first."""
    for count in range(len(features), -1, -1):
        yield from map(frozenset, combinations(sorted(features), count))

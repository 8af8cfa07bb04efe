"""The features of a device with which every kernel that a model picks computes rightly."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

from gemtab.contracts.manifest import Manifest
from gemtab.contracts.program import Kernel
from gemtab.gpu.device import Device, Shaders
from gemtab.kernels.variant import OPTIONAL
from gemtab.plan.forward import plan_decode, plan_prefill, plan_score
from gemtab.plan.model import Model
from gemtab.plan.settings import Settings
from gemtab.trial.prove import failures

LENGTHS = (1, 2, 4, 8, 16, 32, 64, 128)  # of chunks, as they are planned; the longer take the same

Lost = dict[str, str]  # feature: why


async def proven_features(
    device: Device, manifest: Manifest, settings: Settings, shaders: Shaders
) -> tuple[frozenset[str], Lost]:
    """The largest set of features with which every kernel is right, and why each other is lost."""
    offered = settings.facts.features & {*OPTIONAL}
    failed: dict[str, str] = {}  # kernel: why
    passed: set[str] = set()
    reasons: Lost = {}
    for features in _subsets(offered):
        facts = replace(settings.facts, features=features)
        model = Model.on(replace(settings, facts=facts), dict(manifest.tensors))
        picked = picked_by_feature(model) if features else []
        new = [one for one in picked if one.name not in failed and one.name not in passed]
        failed |= await failures(device, shaders, new)
        passed |= {one.name for one in new} - failed.keys()
        wrong = [one for one in picked if one.name in failed]
        if not wrong:
            return features, {one: reasons[one] for one in sorted(offered - features)}
        for kernel in sorted(wrong, key=lambda one: len(one.features)):  # the fewer, the surer
            for feature in kernel.features:
                reasons.setdefault(feature, failed[kernel.name])
    raise AssertionError("kernels without features cannot fail here")


def picked_by_feature(model: Model) -> list[Kernel]:
    """The kernels that need features, of every pass, however long chunks are."""
    programs = [plan_decode(model), plan_score(model, LENGTHS[-1])]
    programs += [plan_prefill(model, tokens) for tokens in LENGTHS]
    found = {one.name: one for program in programs for one in program.kernels if one.features}
    return list(found.values())


def _subsets(features: frozenset[str]) -> Iterator[frozenset[str]]:
    """The largest first."""
    for count in range(len(features), -1, -1):
        yield from map(frozenset, combinations(sorted(features), count))

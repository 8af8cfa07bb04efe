"""A model fitted to the device at hand: its optional features are proven before they are used."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations

from gemtab import __version__
from gemtab.contracts.manifest import Manifest
from gemtab.contracts.program import Kernel
from gemtab.gpu.device import Device, Shaders
from gemtab.kernels.variant import OPTIONAL
from gemtab.plan.forward import plan_decode, plan_prefill, plan_score
from gemtab.plan.model import Model
from gemtab.plan.settings import Settings
from gemtab.trial.notes import Note, Notes, digest
from gemtab.trial.prove import failures

MOST_TRIES = 2  # of a trial that did not end: the tab may have been closed once

Tell = Callable[[str], None]  # a line for people


async def fitted(
    device: Device,
    manifest: Manifest,
    settings: Settings,
    shaders: Shaders,
    notes: Notes,
    tell: Tell = lambda _: None,
) -> Settings:
    """The settings with those features that this device has been seen to compute rightly with.

    What was found is noted, so that the next visit does not try again.
    """
    name, stamp = _name(manifest, settings), _stamp(manifest, settings)
    note = Note.from_text(await notes.recall(name), stamp)
    if note.features is None:
        note = await _tried(device, manifest, settings, shaders, notes, name, note)
    for reason in note.lost:
        tell(reason)
    proven = frozenset(note.features or ())
    used = frozenset(settings.facts.features - {*OPTIONAL}) | proven
    return replace(settings, facts=replace(settings.facts, features=used))


async def _tried(
    device: Device,
    manifest: Manifest,
    settings: Settings,
    shaders: Shaders,
    notes: Notes,
    name: str,
    note: Note,
) -> Note:
    """The note after a trial. What a trial twice did not survive is not tried again."""
    offered = settings.facts.features & {*OPTIONAL}
    if offered and note.tries >= MOST_TRIES:
        lost = "This GPU's driver failed in a test twice: plain shaders do its work."
        note = Note(note.stamp, (), (lost,))
    else:
        if offered:
            await notes.remember(name, replace(note, tries=note.tries + 1).to_json())
        features, lost_with = await _largest(device, manifest, settings, shaders)
        lost_now = tuple(_lost(one, why) for one, why in lost_with.items())
        note = Note(note.stamp, tuple(sorted(features)), lost_now)
    await notes.remember(name, note.to_json())
    return note


async def _largest(
    device: Device, manifest: Manifest, settings: Settings, shaders: Shaders
) -> tuple[frozenset[str], dict[str, str]]:
    """The largest set of features with which every kernel is right, and why each other is lost."""
    offered = settings.facts.features & {*OPTIONAL}
    failed: dict[str, str] = {}  # kernel: why
    passed: set[str] = set()
    reasons: dict[str, str] = {}  # feature: why
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


def _subsets(features: frozenset[str]) -> Iterator[frozenset[str]]:
    """The largest first."""
    for count in range(len(features), -1, -1):
        yield from map(frozenset, combinations(sorted(features), count))


def picked_by_feature(model: Model) -> list[Kernel]:
    """The kernels that need features, of every pass."""
    chunk = model.settings.chunk
    lengths = sorted({min(1 << power, chunk) for power in range(chunk.bit_length() + 1)})
    programs = [plan_decode(model), plan_score(model, chunk)]
    programs += [plan_prefill(model, tokens) for tokens in lengths]
    found = {one.name: one for program in programs for one in program.kernels if one.features}
    return list(found.values())


def _lost(feature: str, why: str) -> str:
    return f"This GPU does not do {feature} as it should ({why}). Plain shaders take its place."


def _name(manifest: Manifest, settings: Settings) -> str:
    """Contexts and chunks have one note: what they change are kernels that need no feature."""
    facts = settings.facts
    return digest({"adapter": facts.adapter, "model": manifest.model, "kv": settings.kv})


def _stamp(manifest: Manifest, settings: Settings) -> str:
    kernels = manifest.files.get("kernels")
    facts = settings.facts
    return digest(
        {
            "engine": __version__, "kernels": kernels.sha256 if kernels else "",
            "driver": facts.driver, "features": sorted(facts.features),
            "limits": dict(facts.limits),
        }
    )  # fmt: skip

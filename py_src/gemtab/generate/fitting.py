"""A model fitted to the device at hand: its features proven before they are used, its speed measured.

What is found is noted, so that the next visit neither tries nor measures again.
"""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from gemtab import __version__
from gemtab.contracts.manifest import Manifest
from gemtab.generate.proving import picked_by_feature, proven_features
from gemtab.generate.tuning import tuned
from gemtab.gpu.device import Device, Shaders
from gemtab.kernels.tuning import USUAL, Tuned
from gemtab.kernels.variant import OPTIONAL
from gemtab.plan.chunk import best_chunk
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
    pick_chunk: bool = False,
) -> Settings:
    """The settings with what this device computes rightly with, and how fast it is.

    With `pick_chunk`, prompts are cut as suits that speed; else as the settings have it. A site whose kernels
    need no features leaves nothing to prove, and is of a model too small to measure anything for.
    """
    carried = {feature for shader in shaders.values() for feature in shader["features"]}
    if not carried:
        return _with_features(settings, frozenset())
    name, stamp = _name(manifest, settings), _stamp(manifest, settings)
    about = f"{settings.facts.adapter}, {manifest.model}, {settings.kv} cache"
    note = replace(Note.from_text(await notes.recall(name), stamp), about=about)
    if note.features is None:
        note = await _tried(device, manifest, settings, shaders, notes, name, note)
    for reason in note.lost:
        tell(reason)
    settings = _with_features(settings, frozenset(note.features or ()))
    if note.tuned is None:
        note = replace(note, tuned=await _tuned(device, manifest, settings, shaders))
        await notes.remember(name, note.to_json())
    assert note.tuned is not None
    speed = note.tuned.speed
    settings = replace(settings, speed=speed, tuning=note.tuned.tuning)
    if pick_chunk:
        settings = replace(settings, chunk=best_chunk(settings, manifest.tensors, speed))
    return settings


def fit_json(settings: Settings) -> dict[str, Any]:
    """What was picked for the device, as the page's `ready` and `gemtab bench` have it."""
    return {
        "features": sorted(settings.facts.features & {*OPTIONAL}),
        "chunk": settings.chunk,
        "tuning": asdict(settings.tuning),
        "speed": asdict(settings.speed),
    }


def _with_features(settings: Settings, used: frozenset[str]) -> Settings:
    """The settings with these of the optional features."""
    features = (settings.facts.features - {*OPTIONAL}) | used
    return replace(settings, facts=replace(settings.facts, features=features))


async def _tuned(device: Device, manifest: Manifest, settings: Settings, shaders: Shaders) -> Tuned:
    """The best tuning, if every kernel that it picks does as it should; else the usual one."""
    found = await tuned(device, manifest, settings, shaders)
    if found.tuning == USUAL:
        return found
    model = Model.on(replace(settings, tuning=found.tuning), dict(manifest.tensors))
    wrong = await failures(device, shaders, picked_by_feature(model))
    return Tuned(speed=found.speed) if wrong else found


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
        note = replace(note, features=(), lost=(lost,), tries=0)
    else:
        if offered:
            await notes.remember(name, replace(note, tries=note.tries + 1).to_json())
        features, lost_with = await proven_features(device, manifest, settings, shaders)
        lost_now = tuple(_lost(one, why) for one, why in lost_with.items())
        note = replace(note, features=tuple(sorted(features)), lost=lost_now, tries=0)
    await notes.remember(name, note.to_json())
    return note


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

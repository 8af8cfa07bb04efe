"""A model fitted to the device at hand: its features proven before they are used, its speed measured.

What is found is noted, so that the next visit neither tries nor measures again.
"""

from collections.abc import Callable
from dataclasses import replace

from gemtab import __version__
from gemtab.contracts.manifest import Manifest
from gemtab.generate.proving import proven_features
from gemtab.generate.tuning import measured_speed
from gemtab.gpu.device import Device, Shaders
from gemtab.kernels.variant import OPTIONAL
from gemtab.plan.chunk import best_chunk
from gemtab.plan.settings import Settings
from gemtab.trial.notes import Note, Notes, digest

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

    With `pick_chunk`, prompts are cut as suits that speed; else as the settings have it.
    """
    name, stamp = _name(manifest, settings), _stamp(manifest, settings)
    note = Note.from_text(await notes.recall(name), stamp)
    if note.features is None:
        note = await _tried(device, manifest, settings, shaders, notes, name, note)
    for reason in note.lost:
        tell(reason)
    used = (settings.facts.features - {*OPTIONAL}) | {*(note.features or ())}
    settings = replace(settings, facts=replace(settings.facts, features=frozenset(used)))
    if note.speed is None:
        note = replace(note, speed=await measured_speed(device, manifest, settings, shaders))
        await notes.remember(name, note.to_json())
    assert note.speed is not None
    settings = replace(settings, speed=note.speed)
    if pick_chunk:
        settings = replace(settings, chunk=best_chunk(settings, manifest.tensors, note.speed))
    return settings


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
        features, lost_with = await proven_features(device, manifest, settings, shaders)
        lost_now = tuple(_lost(one, why) for one, why in lost_with.items())
        note = Note(note.stamp, tuple(sorted(features)), lost_now)
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

"""A model fitted to the device at hand: its features proven before they are used, its speed measured.

What is found is noted, so that the next visit neither tries nor measures again.
"""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from gemtab import __version__
from gemtab.contracts.errors import DeviceError
from gemtab.contracts.manifest import Manifest
from gemtab.generate.proving import picked_kernels, proven_features, refusal
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
    need no features is of a model too small to measure anything for, or to be kept waiting: see `LateProof`.
    DeviceError where a kernel fails that has no other form.
    """
    if not has_forms(shaders):
        return _with_features(settings, frozenset())
    name, stamp = _name(manifest, settings), _stamp(manifest, settings)
    note = Note.from_text(await notes.recall(name), stamp)
    note = replace(note, about=_about(manifest, settings))
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
    picked = picked_kernels(Model.on(settings, dict(manifest.tensors)))
    device.keep_kernels([one.name for one in picked])
    return settings


def has_forms(shaders: Shaders) -> bool:
    """Whether a site has kernels for what devices offer, beside the plain ones."""
    return any(shader["features"] for shader in shaders.values())


class LateProof:
    """The trial of a small site's plain kernels: nobody waits for it, so it runs behind a first reply.

    Make it with what `fitted` gave back.
    """

    def __init__(
        self, device: Device, manifest: Manifest, settings: Settings, shaders: Shaders, notes: Notes
    ) -> None:
        self._device, self._shaders, self._notes = device, shaders, notes
        self._name, self._stamp = _name(manifest, settings), _stamp(manifest, settings)
        self._about = _about(manifest, settings)
        self._settings = settings
        self._model = Model.on(settings, dict(manifest.tensors))
        self._is_due = not has_forms(shaders)

    async def doubted(self) -> bool:
        """Whether it failed on another visit: then it had better come first."""
        return self._is_due and (await self._note()).doubted

    async def run(self) -> None:
        """Try what was not yet tried here, and note it; DeviceError where a kernel fails."""
        if not self._is_due:
            return
        self._is_due = False
        note = await self._note()
        if note.features is not None or note.tries >= MOST_TRIES:
            return
        await self._keep(replace(note, tries=note.tries + 1))
        failed = await failures(self._device, self._shaders, picked_kernels(self._model))
        if failed:
            await self._keep(replace(note, doubted=True))
            raise refusal(self._settings.facts, failed)
        await self._keep(replace(note, features=(), doubted=False))

    async def _note(self) -> Note:
        return Note.from_text(await self._notes.recall(self._name), self._stamp)

    async def _keep(self, note: Note) -> None:
        await self._notes.remember(self._name, replace(note, about=self._about).to_json())


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
    usual, model = (
        Model.on(replace(settings, tuning=tuning), dict(manifest.tensors))
        for tuning in (USUAL, found.tuning)
    )
    proven = {one.name for one in picked_kernels(usual)}
    new = (one for one in picked_kernels(model) if one.name not in proven)
    wrong = await failures(device, shaders, new)
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
    """The note after a trial. What a trial twice did not survive is not tried again, nor are plain kernels then."""
    lost: tuple[str, ...] = ()
    if note.tries >= MOST_TRIES:
        lost = ("This GPU's driver failed in a test twice: plain shaders do its work.",)
        settings = _with_features(settings, frozenset())
    if note.tries >= 2 * MOST_TRIES:
        lost = ("This GPU's driver failed in tests again and again: its replies may be wrong.",)
        note = replace(note, features=(), lost=lost, tries=0)
    else:
        await notes.remember(name, replace(note, tries=note.tries + 1).to_json())
        try:
            features, lost_with = await proven_features(device, manifest, settings, shaders)
        except DeviceError:  # it did end: the next visit tries anew
            await notes.remember(name, replace(note, tries=0).to_json())
            raise
        lost += tuple(_lost(one, why) for one, why in lost_with.items())
        note = replace(note, features=tuple(sorted(features)), lost=lost, tries=0)
    await notes.remember(name, note.to_json())
    return note


def _lost(feature: str, why: str) -> str:
    return f"This GPU does not do {feature} as it should ({why}). Plain shaders take its place."


def _about(manifest: Manifest, settings: Settings) -> str:
    """For people."""
    return f"{settings.facts.adapter}, {manifest.model}, {settings.kv} cache"


def _name(manifest: Manifest, settings: Settings) -> str:
    """Contexts and chunks have one note: they take the same kernels."""
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

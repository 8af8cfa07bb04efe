"""GPU time of each kernel: every dispatch in a pass of its own, between two timestamps."""

import asyncio
from collections import defaultdict
from functools import partial
from typing import Any

from gemtab.contracts.program import Program
from gemtab.contracts.state import State
from gemtab.generate.engine import Engine
from gemtab.gpu.native import NativeDevice
from gemtab.plan.forward import plan_decode, plan_prefill
from gemtab.plan.settings import Settings
from gemtab.weights.files import FileArtifact

REPEATS = 5
Times = dict[str, dict[str, Any]]  # template -> {"dispatches", "microseconds"}


def kernel_times(artifact: FileArtifact, settings: Settings) -> dict[str, Times]:
    """Microseconds by template, of a decode and of a prefill chunk; empty without timestamps.

    The least of some repeats. A device of its own: timestamps may slow others down.
    """
    device = NativeDevice(settings.facts.features, timestamps=True)
    if not device.has_timestamps:
        return {}
    upload, stage = partial(artifact.upload, device), partial(artifact.stage, device)

    async def run() -> dict[str, Times]:
        shaders = artifact.shaders()
        engine = await Engine.load(
            device, artifact.manifest, settings, shaders, upload, stage=stage
        )
        tokens = min(settings.chunk, settings.capacity - 1)
        found = {}
        for program, count in (
            (plan_decode(engine.model), 1),
            (plan_prefill(engine.model, tokens), tokens),
        ):
            await engine.write_ids([min(5, settings.config.vocab - 1)] * count)
            engine.write_state(State(0, count, capacity=settings.capacity))
            found[program.name] = _by_template(program, device)
        return found

    return asyncio.run(run())


def _by_template(program: Program, device: NativeDevice) -> Times:
    runs = [device.step_microseconds(program) for _ in range(REPEATS)]
    times: Times = defaultdict(lambda: {"dispatches": 0, "microseconds": 0.0})
    for step, each in zip(program.steps, zip(*runs, strict=True), strict=True):
        times[step.kernel.template]["dispatches"] += 1
        times[step.kernel.template]["microseconds"] += min(each)
    return dict(times)

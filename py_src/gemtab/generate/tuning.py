"""How fast a device runs a model's matrices: measured once, over buffers that stand in for them."""

from collections.abc import Callable
from dataclasses import replace

from gemtab.contracts.manifest import Manifest
from gemtab.contracts.program import Program, Step
from gemtab.contracts.speed import Speed
from gemtab.gpu.device import Device, Shaders
from gemtab.kernels.matmul import TILE_TOKENS
from gemtab.plan.accounts import cost_of
from gemtab.plan.forward import plan_decode, plan_prefill
from gemtab.plan.model import Model
from gemtab.plan.settings import Settings
from gemtab.trial.measure import step_seconds

LARGEST_BYTES = 64 << 20  # of the stand-ins for one step's buffers
SMALL = 1 / 8  # of the largest matrix: the one that tells whether a device is quick
QUICK_SECONDS = 0.05  # what would take longer is measured on the small one alone

Effort = Callable[[Step], float]


async def measured_speed(
    device: Device, manifest: Manifest, settings: Settings, shaders: Shaders
) -> Speed:
    """Of a chunk's matrices and of a token's: of the model's largest where the device is quick."""
    tokens = min(TILE_TOKENS, settings.capacity - 1)
    model = Model.on(replace(settings, chunk=tokens), dict(manifest.tensors))
    chunk, token = plan_prefill(model, tokens), plan_decode(model)
    return Speed(
        await _rate(device, shaders, chunk, lambda step: cost_of(step, tokens, 0).macs),
        await _rate(device, shaders, token, lambda step: cost_of(step, 1, 0).weights),
    )


async def _rate(device: Device, shaders: Shaders, program: Program, effort: Effort) -> float:
    """Effort a second."""
    matrices = matrices_of(program, effort)
    if not matrices:
        return 0.0
    largest = matrices[-1]
    small = next(one for one in matrices if effort(one) >= SMALL * effort(largest))
    seconds = await step_seconds(device, shaders, small, program.tokens)
    rate = effort(small) / seconds
    if small is largest or effort(largest) / rate > QUICK_SECONDS:
        return rate
    return effort(largest) / await step_seconds(device, shaders, largest, program.tokens)


def matrices_of(program: Program, effort: Effort) -> list[Step]:
    """The steps that multiply with a matrix whose stand-ins are not too large, the least effort first."""
    steps = (step for step in program.steps if "weights" in dict(step.kernel.includes))
    small = (s for s in steps if sum(one.bytes for one in s.slices) <= LARGEST_BYTES)
    return sorted((s for s in small if effort(s)), key=effort)

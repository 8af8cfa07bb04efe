"""The sizes of kernels that suit a device best, and how fast it is with them.

The matrices of a model's first layer run with each of a few tunings, over buffers that stand in for them.
A second in all is enough: what is not reached in that time is not tried.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from time import perf_counter

from gemtab.contracts import names
from gemtab.contracts.errors import DeviceError
from gemtab.contracts.manifest import Manifest
from gemtab.contracts.program import Kernel, Program, Step
from gemtab.contracts.speed import Speed
from gemtab.gpu.device import Device, Shaders
from gemtab.kernels.matmul import TILE_TOKENS
from gemtab.kernels.tuning import BY_CHUNK, BY_TOKEN, USUAL, Tuned, Tuning
from gemtab.plan.accounts import cost_of
from gemtab.plan.forward import plan_decode, plan_prefill
from gemtab.plan.model import Model
from gemtab.plan.settings import Settings
from gemtab.trial.measure import seconds_of
from gemtab.trial.prove import failures

BUDGET_SECONDS = 1.0
QUICK_SECONDS = 0.03  # of one run: a slow device runs as many of the matrices, the small ones first
LARGEST_BYTES = 128 << 20  # of the stand-ins
GAIN = 0.9  # of the usual tuning's time: less is noise

Clock = Callable[[], float]
Plan = Callable[[Tuning], Program]
Effort = Callable[[Step], float]


async def tuned(
    device: Device,
    manifest: Manifest,
    settings: Settings,
    shaders: Shaders,
    clock: Clock = perf_counter,
) -> Tuned:
    """What suits this device, for a token's matrices and for a chunk's."""
    began = clock()
    tokens = min(TILE_TOKENS, settings.capacity - 1)
    tensors = dict(manifest.tensors)

    def model(tuning: Tuning) -> Model:
        return Model.on(replace(settings, chunk=tokens, tuning=tuning), tensors)

    row, token = await _Trial(device, shaders, clock, began + BUDGET_SECONDS / 2).best(
        lambda tuning: plan_decode(model(tuning)), BY_TOKEN, lambda s: cost_of(s, 1, 0).weights
    )
    tile, chunk = await _Trial(device, shaders, clock, began + BUDGET_SECONDS).best(
        lambda tuning: plan_prefill(model(tuning), tokens),
        BY_CHUNK,
        lambda step: cost_of(step, tokens, 0).macs,
    )
    both = replace(tile, lanes=row.lanes, part=row.part, integer_rows=row.integer_rows)
    return Tuned(both, Speed(chunk, token))


class _Trial:
    """Runs a program's first matrices with one tuning after another, as far as it gets by the deadline."""

    def __init__(self, device: Device, shaders: Shaders, clock: Clock, deadline: float) -> None:
        self.device, self.shaders, self.clock, self.deadline = device, shaders, clock, deadline

    async def best(
        self, plan: Plan, tunings: Sequence[Tuning], effort: Effort
    ) -> tuple[Tuning, float]:
        """The best tuning, and effort a second with it."""
        began = self.clock()
        usual = plan(USUAL)
        labels, total, took = await self._worth(usual, effort)
        if not labels:
            return USUAL, 0.0
        if len(labels) > 1:
            took = await self._seconds(usual, labels)
        seconds = {USUAL: took}
        each = self.clock() - began  # the next will take about as long: shaders to compile, runs
        for tuning in tunings[1:]:
            if self.clock() + each > self.deadline:
                break
            program = plan(tuning)
            if _kernels(program, labels) == _kernels(usual, labels):
                continue
            if await self._is_right(program, labels):
                seconds[tuning] = await self._seconds(program, labels)
        best = min(seconds, key=lambda one: seconds[one])
        if seconds[best] > GAIN * seconds[USUAL]:
            best = USUAL
        return best, total / seconds[best]

    async def _worth(self, program: Program, effort: Effort) -> tuple[list[str], float, float]:
        """The labels of the matrices that this device runs quickly enough, their effort; seconds of the first."""
        labels: list[str] = []
        total = rate = seconds = size = 0.0
        for step in sorted(filter(_is_matrix, program.steps), key=effort):
            size += sum(one.bytes for one in step.slices)
            if size > LARGEST_BYTES or (rate and (total + effort(step)) / rate > QUICK_SECONDS):
                break
            if not labels:
                seconds = await seconds_of(self.device, self.shaders, [step], program.tokens)
                rate = effort(step) / seconds
            labels.append(step.label)
            total += effort(step)
        return labels, total, seconds

    async def _seconds(self, program: Program, labels: Sequence[str]) -> float:
        steps = _labelled(program, labels)
        return await seconds_of(self.device, self.shaders, steps, program.tokens)

    async def _is_right(self, program: Program, labels: Sequence[str]) -> bool:
        """Whether the tuned kernels compile, and do as they should where that is known."""
        try:
            return not await failures(self.device, self.shaders, _kernels(program, labels))
        except (DeviceError, KeyError):  # a site of before has no such kernel
            return False


def _is_matrix(step: Step) -> bool:
    return (
        step.kernel.template != "embed"
        and step.label.startswith(names.layer(0, ""))
        and "weights" in dict(step.kernel.includes)
    )


def _kernels(program: Program, labels: Sequence[str]) -> list[Kernel]:
    return list(dict.fromkeys(step.kernel for step in _labelled(program, labels)))


def _labelled(program: Program, labels: Sequence[str]) -> list[Step]:
    return [step for step in program.steps if step.label in labels and _is_matrix(step)]

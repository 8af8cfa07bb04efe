"""The sizes of kernels that suit a device best, and how fast it is with them.

The matrices of a model's first layer run with each of a few tunings, over buffers that stand in for them: of one
token those with narrow rows and those with wide ones, of a chunk those with many rows and those with few.
A second in all is enough: what is not reached in that time is not tried.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

from gemtab.contracts import names
from gemtab.contracts.errors import DeviceError
from gemtab.contracts.manifest import Manifest
from gemtab.contracts.program import Kernel, Program, Step
from gemtab.contracts.speed import Speed
from gemtab.gpu.device import Device, Shaders
from gemtab.kernels.matmul import N_OUT_WORD, TILE_TOKENS
from gemtab.kernels.tuning import BY_CHUNK, BY_TOKEN, MANY, USUAL, WIDE, Tuned, Tuning
from gemtab.plan.accounts import cost_of
from gemtab.plan.forward import plan_decode, plan_prefill
from gemtab.plan.model import Model
from gemtab.plan.settings import Settings
from gemtab.trial.measure import StandIns, matrix_bytes
from gemtab.trial.prove import failures

BUDGET_SECONDS = 1.0
QUICK_SECONDS = 0.03  # of one run: a slow device runs as many of the matrices, the small ones first
COLD_BYTES = 96 << 20  # of matrices in turn, which no cache holds
MOST_BYTES = 256 << 20  # of the stand-ins
MEMORY_SHARE = 1 / 8  # of what a device has, where it tells, for the stand-ins
MOST_STEPS = 512  # of a run
GAIN = 0.9  # of the usual tuning's time: less is noise

Clock = Callable[[], float]
Plan = Callable[[Tuning], Program]
Effort = Callable[[Step], float]
Belongs = Callable[[Step], bool]


@dataclass(frozen=True)
class _Best:
    """A class's best tuning, and the effort and seconds of its matrices with it; none where none ran."""

    tuning: Tuning = USUAL
    effort: float = 0.0
    seconds: float = 0.0


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
    layers = len(manifest.config.layers)
    most = min(MOST_BYTES, int(settings.facts.memory * MEMORY_SHARE) or MOST_BYTES)

    def model(tuning: Tuning) -> Model:
        return Model.on(replace(settings, chunk=tokens, tuning=tuning), tensors)

    def trial(tokens: int, plan: Plan, tunings: Sequence[Tuning], effort: Effort) -> _Trial:
        stand_ins = StandIns(device, shaders, tokens)
        return _Trial(device, shaders, clock, stand_ins, plan, tunings, effort, layers, most)

    row, wide, bytes_a_second = await trial(
        1,
        lambda tuning: plan_decode(model(tuning)),
        BY_TOKEN,
        lambda step: cost_of(step, 1, 0).weights,
    ).of_two(lambda step: step.shape[0] < WIDE, began, began + BUDGET_SECONDS / 2)
    tile, few, macs_a_second = await trial(
        tokens,
        lambda tuning: plan_prefill(model(tuning), tokens),
        BY_CHUNK,
        lambda step: cost_of(step, tokens, 0).macs,
    ).of_two(lambda step: step.shape[N_OUT_WORD] >= MANY, clock(), began + BUDGET_SECONDS)
    both = replace(tile, lanes=row.lanes, part=row.part, integer_rows=row.integer_rows)
    both = replace(both, wide=wide, few=few)
    return Tuned(both, Speed(macs_a_second, bytes_a_second))


class _Trial:
    """Runs a program's first matrices with one tuning after another, as far as it gets by the deadline."""

    def __init__(
        self,
        device: Device,
        shaders: Shaders,
        clock: Clock,
        stand_ins: StandIns,
        plan: Plan,
        tunings: Sequence[Tuning],
        effort: Effort,
        layers: int,
        most_bytes: int,
    ) -> None:
        self.device, self.shaders, self.clock, self.stand_ins = device, shaders, clock, stand_ins
        self.plan, self.tunings, self.effort = plan, tunings, effort
        self.layers, self.most_bytes = layers, most_bytes
        self.usual = plan(USUAL)
        self.rate = 0.0  # effort a second, once some matrix has run
        self.quick = QUICK_SECONDS

    async def of_two(
        self, is_first: Belongs, began: float, deadline: float
    ) -> tuple[Tuning, Tuning | None, float]:
        """The tuning of those that are first in their class, that of the others where it differs, and the speed.

        The class of the smallest matrix runs before the other, which a slow device is then spared.
        """

        def is_other(step: Step) -> bool:
            return not is_first(step)

        steps = sorted(self._matrices(), key=self.effort)
        classes = [is_first, is_other]
        classes = [one for one in classes if any(map(one, steps))]
        classes.sort(key=lambda belongs: next(n for n, step in enumerate(steps) if belongs(step)))
        self.quick = QUICK_SECONDS / max(1, len(classes))
        found = {is_first: _Best(), is_other: _Best()}
        for number, belongs in enumerate(classes, 1):
            until = began + (deadline - began) * number / len(classes)
            found[belongs] = await self._best(belongs, until)
        first, other = found[is_first], found[is_other]
        if not first.seconds:
            first, other = other, first
        seconds = first.seconds + other.seconds
        speed = (first.effort + other.effort) / seconds if seconds else 0.0
        differs = other.seconds and other.tuning != first.tuning
        return first.tuning, other.tuning if differs else None, speed

    async def _best(self, belongs: Belongs, deadline: float) -> _Best:
        """The best tuning of a class."""
        began = self.clock()
        try:
            labels, took = await self._worth(belongs)
            if not labels:
                return _Best()
            effort = sum(map(self.effort, self._labelled(self.usual, labels)))
            copies = self._copies(labels, effort)
            if not took or copies > 1 or len(labels) > 1:
                took = await self._seconds(self.usual, labels, copies)
            seconds = {USUAL: took}
            each = (
                self.clock() - began
            )  # the next will take about as long: shaders to compile, runs
            for tuning in self.tunings[1:]:
                if self.clock() + each > deadline:
                    break
                program = self.plan(tuning)
                if self._kernels(program, labels) == self._kernels(self.usual, labels):
                    continue
                if await self._is_right(program, labels):
                    seconds[tuning] = await self._seconds(program, labels, copies)
        finally:
            self.stand_ins.release()
        best = min(seconds, key=lambda one: seconds[one])
        if seconds[best] > GAIN * seconds[USUAL]:
            best = USUAL
        return _Best(best, effort, seconds[best])

    async def _worth(self, belongs: Belongs) -> tuple[list[str], float]:
        """The labels of the matrices that this device runs quickly enough; seconds of the first, if it ran alone."""
        labels: list[str] = []
        total = seconds = size = 0.0
        for step in sorted(filter(belongs, self._matrices()), key=self.effort):
            size += matrix_bytes(step)
            total += self.effort(step)
            if size > self.most_bytes or (self.rate and total / self.rate > self.quick):
                break
            if not self.rate:
                seconds = await self.stand_ins.seconds([step])
                self.rate = self.effort(step) / seconds
            labels.append(step.label)
        return labels, seconds

    def _copies(self, labels: Sequence[str], effort: float) -> int:
        """As many of the matrices as no cache holds, the model has, and the device has room for.

        One where that would take long: such a device computes more slowly than any memory is read.
        """
        steps = self._labelled(self.usual, labels)
        size = sum(map(matrix_bytes, steps))
        room = min(self.most_bytes // size, MOST_STEPS // len(steps))
        wanted = max(1, min(-(-COLD_BYTES // size), self.layers, room))
        return wanted if wanted * effort / self.rate <= QUICK_SECONDS else 1

    async def _seconds(self, program: Program, labels: Sequence[str], copies: int) -> float:
        return await self.stand_ins.seconds(self._labelled(program, labels), copies)

    async def _is_right(self, program: Program, labels: Sequence[str]) -> bool:
        """Whether the tuned kernels compile, and do as they should where that is known."""
        try:
            return not await failures(self.device, self.shaders, self._kernels(program, labels))
        except (DeviceError, KeyError):  # a site of before has no such kernel
            return False

    def _matrices(self) -> list[Step]:
        return list(filter(_is_matrix, self.usual.steps))

    def _kernels(self, program: Program, labels: Sequence[str]) -> list[Kernel]:
        return list(dict.fromkeys(step.kernel for step in self._labelled(program, labels)))

    def _labelled(self, program: Program, labels: Sequence[str]) -> list[Step]:
        return [step for step in program.steps if step.label in labels and _is_matrix(step)]


def _is_matrix(step: Step) -> bool:
    return (
        step.kernel.template != "embed"
        and step.label.startswith(names.layer(0, ""))
        and "weights" in dict(step.kernel.includes)
    )

"""A pass that would take too long for one submit, cut into several: between steps, and within them.

Watchdogs reset a GPU whose work does not end, screens stand still meanwhile, and a person who stops waits.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import NamedTuple

from gemtab.contracts.program import Part, Program, Step
from gemtab.contracts.speed import UNKNOWN, Speed
from gemtab.gpu.device import Device, Steps
from gemtab.kernels.matmul import FEW
from gemtab.kernels.parts import parts_of
from gemtab.plan.accounts import cost_of
from gemtab.plan.chunk import SUBMIT_SECONDS

Clock = Callable[[], float]  # seconds

SLOW = Speed(1e10, 2e9)  # taken for that of a device of which nothing is known: software's
ATTENTION = ("attend", "attend_chunk")
SLOWER = 4.0  # attention takes so much longer for a multiply-add than a chunk's matrices, until it was seen
GRAIN = 16  # positions that count as one, or a sixteenth of all before them
LEAST = 1 / 16  # of what was foreseen: no pass is taken to be quicker at once
WORK = 1 / 4  # of the time that a submit took was work, however long they wait
TELLING = SUBMIT_SECONDS / 4  # what takes less may have taken it for other things than its work
MOST_KNOWN = (
    64  # programs by tokens whose steps' costs are kept: prompts end in chunks of any length
)
QUICKEST = 1e-9  # of what the speed promises, on no device


class Span(NamedTuple):
    """What a pass goes over: tokens, and those in the cache before them."""

    tokens: int
    position: int


class Effort(NamedTuple):
    """Seconds that the speed promises: of attention, and of all else."""

    rest: float
    attention: float


class Submit(NamedTuple):
    """What a submit does: some steps, or a part of one that alone takes too long.

    The last part has the effort of all: parts of keys differ, and only together tell of a device.
    """

    work: Steps | Part
    effort: Effort | None


class _Steps(NamedTuple):
    """Seconds that the speed promises for the steps of a program: each but attention's, all of them together.

    `attention` has one step of each shape, and how many there are.
    """

    rest: list[float]
    total: float
    attention: dict[tuple[int, ...], tuple[Step, int]]


@dataclass
class Slowness:
    """How much longer than promised a kind of pass takes."""

    rest: float = 1.0
    attention: float = 1.0

    def seconds(self, effort: Effort) -> float:
        """What so much takes."""
        return effort.rest * self.rest + effort.attention * self.attention


class Pace:
    """How passes are cut, by position: at first by the device's speed, then by what passes took."""

    def __init__(self, speed: Speed = UNKNOWN, clock: Clock = perf_counter) -> None:
        self.clock = clock
        self.wait: float | None = None  # what a submit of nothing takes, once it was seen
        self._worked = 0.0  # seconds of the parts of a step so far
        self._speed = Speed(speed.macs or SLOW.macs, speed.bytes or SLOW.bytes)
        # a kind of matrix kernel each: one token's, a few tokens', a chunk's
        self._longer = (Slowness(), Slowness(), Slowness())
        self._steps: dict[tuple[str, int], _Steps] = {}
        self._totals: dict[str, tuple[Span, Effort]] = {}

    async def measure_wait(self, device: Device, program: str) -> None:
        """See how long the shortest submit takes: browsers look at the GPU at intervals of their own.

        Once, before the first prompt: at the end of a load it would wait for the shaders that still compile.
        """
        if self.wait is not None:
            return
        waits = []
        for _ in range(2):
            began = self.clock()
            await device.replay(program, 0)
            waits.append(self.clock() - began)
        self.wait = min(waits)

    def seconds(self, program: Program, at: Span) -> float:
        """What a pass is expected to take."""
        return self._longer_of(at.tokens).seconds(self._effort(program, _grained(at)))

    def submits(self, program: Program, at: Span) -> list[Submit]:
        """A pass, one submit after the other."""
        self._worked = 0.0
        longer = self._longer_of(at.tokens)
        grained = _grained(at)
        total = self._effort(program, grained)
        if longer.seconds(total) <= SUBMIT_SECONDS:
            return [Submit((0, len(program.steps)), total)]
        return list(_cut(program.steps, self._efforts(program, grained), longer, sum(at)))

    def took(self, tokens: int, effort: Effort | None, seconds: float, times: int = 1) -> None:
        """A submit of so many passes took so long: from now on, this is what would have been foreseen."""
        self._worked += max(seconds - (self.wait or 0.0), WORK * seconds)
        if effort is None:
            return
        worked, self._worked = self._worked / times, 0.0
        longer = self._longer_of(tokens)
        foreseen = longer.seconds(effort)
        if foreseen < worked <= TELLING:
            return
        found = max(worked / foreseen, LEAST)
        share = effort.attention * longer.attention / foreseen
        # so that it would be foreseen, and more of that by what takes the larger share
        step = (found - 1) / (share**2 + (1 - share) ** 2)
        longer.rest = max(longer.rest * max(1 + (1 - share) * step, LEAST), QUICKEST)
        longer.attention = max(longer.attention * max(1 + share * step, LEAST), QUICKEST)

    def _longer_of(self, tokens: int) -> Slowness:
        return self._longer[(tokens > 1) + (tokens > FEW)]

    def _effort(self, program: Program, at: Span) -> Effort:
        """Of a whole pass. Layers are alike, so that few steps are counted anew as the context grows."""
        known = self._totals.get(program.name)
        if not known or known[0] != at:
            steps = self._steps_of(program, at.tokens)
            attention = sum(
                count * self._promised(step, at) for step, count in steps.attention.values()
            )
            known = self._totals[program.name] = (at, Effort(steps.total, attention))
        return known[1]

    def _efforts(self, program: Program, at: Span) -> list[Effort]:
        """Of each step."""
        steps = self._steps_of(program, at.tokens)
        attention = {
            shape: self._promised(step, at) for shape, (step, _) in steps.attention.items()
        }
        return [
            Effort(rest, attention[step.shape] if step.kernel.template in ATTENTION else 0.0)
            for step, rest in zip(program.steps, steps.rest, strict=True)
        ]

    def _steps_of(self, program: Program, tokens: int) -> _Steps:
        key = (program.name, tokens)
        if key not in self._steps:
            if len(self._steps) == MOST_KNOWN:
                self._steps.clear()
            self._steps[key] = self._counted(program, Span(tokens, 0))
        return self._steps[key]

    def _counted(self, program: Program, start: Span) -> _Steps:
        rest: list[float] = []
        attention: dict[tuple[int, ...], tuple[Step, int]] = {}
        for step in program.steps:
            if step.kernel.template in ATTENTION:
                attention[step.shape] = (step, attention.get(step.shape, (step, 0))[1] + 1)
                rest.append(0.0)
            else:
                rest.append(self._promised(step, start))
        return _Steps(rest, sum(rest), attention)

    def _promised(self, step: Step, at: Span) -> float:
        """Seconds by the speed: matrices wait for multiply-adds or for memory, here for both."""
        cost = cost_of(step, *at)
        slower = SLOWER if step.kernel.template in ATTENTION else 1.0
        moved = (cost.read + cost.written) / self._speed.bytes
        return cost.macs * slower / self._speed.macs + moved


def _grained(at: Span) -> Span:
    """With the position as it counts: rounded up, the more coarsely the longer the context."""
    grain = max(GRAIN, 1 << max(at.position.bit_length() - 5, 0))
    return Span(at.tokens, -(-at.position // grain) * grain)


def _cut(
    steps: Sequence[Step], efforts: Sequence[Effort], longer: Slowness, keys: int
) -> Iterator[Submit]:
    """As many steps in a submit as the time allows; what alone takes longer is parted if it can be."""
    first, spent = 0, 0.0
    for number, effort in enumerate(efforts):
        seconds = longer.seconds(effort)
        if number > first and spent + seconds > SUBMIT_SECONDS:
            yield Submit((first, number), _sum(efforts[first:number]))
            first, spent = number, 0.0
        parts = parts_of(number, steps[number], -int(-seconds // SUBMIT_SECONDS), keys)
        for part in parts:
            yield Submit(part, effort if part is parts[-1] else None)
        if parts:
            first = number + 1
        else:
            spent += seconds
    if first < len(steps):
        yield Submit((first, len(steps)), _sum(efforts[first:]))


def _sum(efforts: Sequence[Effort]) -> Effort:
    return Effort(sum(one.rest for one in efforts), sum(one.attention for one in efforts))

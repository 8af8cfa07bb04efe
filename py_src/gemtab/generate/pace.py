"""A pass that would take too long for one submit, cut into several.

Watchdogs reset a GPU whose work does not end, screens stand still meanwhile, and a person who stops waits.
"""

from bisect import bisect_left
from collections.abc import Callable
from itertools import accumulate
from time import perf_counter

from gemtab.contracts.program import Program
from gemtab.contracts.speed import UNKNOWN, Speed
from gemtab.gpu.device import Steps
from gemtab.plan.accounts import cost_of
from gemtab.plan.chunk import SUBMIT_SECONDS

Clock = Callable[[], float]  # seconds


class Pace:
    """How many submits each program's pass takes: at first by the device's speed, then as it goes."""

    def __init__(self, speed: Speed = UNKNOWN, clock: Clock = perf_counter) -> None:
        self.speed = speed
        self.clock = clock
        self._efforts: dict[str, list[float]] = {}  # of a program's steps, each with all before it
        self._submits: dict[str, int] = {}

    def submits(self, program: Program) -> list[Steps]:
        """The steps of each submit, of about the same effort."""
        if program.name not in self._efforts:
            self._efforts[program.name] = _efforts(program)
            self._submits[program.name] = self._foreseen(program)
        efforts, count = self._efforts[program.name], self._submits[program.name]
        wanted = (efforts[-1] * number / count for number in range(1, count))
        ends = sorted({bisect_left(efforts, one) + 1 for one in wanted} | {len(efforts)})
        return list(zip([0, *ends[:-1]], ends, strict=True))

    def took(self, program: Program, seconds: float) -> None:
        """A whole pass took so long: the next is cut as this one should have been."""
        wanted = min(-int(-seconds // SUBMIT_SECONDS), len(program.steps))
        before = self._submits[program.name]
        if wanted > before or wanted <= before // 2:  # else it would change from pass to pass
            self._submits[program.name] = max(1, wanted)

    def _foreseen(self, program: Program) -> int:
        """By what the device has shown. One submit where it has shown nothing."""
        costs = [cost_of(step, program.tokens, 0) for step in program.steps]
        seconds = 0.0
        if self.speed.macs and program.tokens > 1:
            seconds = sum(cost.macs for cost in costs) / self.speed.macs
        elif self.speed.bytes:
            seconds = sum(cost.weights for cost in costs) / self.speed.bytes
        return max(1, min(-int(-seconds // SUBMIT_SECONDS), len(program.steps)))


def _efforts(program: Program) -> list[float]:
    """What the steps up to each cost, in no unit: a slow device computes more than it waits."""
    costs = (cost_of(step, program.tokens, 0) for step in program.steps)
    return list(accumulate(1.0 + cost.macs + cost.read for cost in costs))

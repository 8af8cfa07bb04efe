"""Devices by a clock of their own, which goes on with the work of each dispatch: its bytes, its multiply-adds."""

from dataclasses import dataclass, replace
from math import prod

from gemtab.contracts.device_facts import DeviceFacts
from gemtab.contracts.program import Part, Step
from gemtab.gpu.device import ALL
from gemtab.plan.accounts import cost_of

ATTENTION = ("attend", "attend_chunk")


@dataclass(frozen=True)
class Pretended:
    """How fast a device pretends to be: multiply-adds a second of matrices, of attention; bytes a second."""

    matrices: float
    attention: float
    bytes: float

    def seconds(self, step: Step, tokens: int, position: int) -> float:
        """What a dispatch takes, over so many tokens at that position of the cache."""
        cost = cost_of(step, tokens, position)
        macs = self.attention if step.kernel.template in ATTENTION else self.matrices
        return cost.macs / macs + (cost.read + cost.written) / self.bytes


class SlowDevice:
    """Any device, slow by `now`, the seconds of its clock. Tells of each submit's end."""

    def __init__(self, device, speed: Pretended):
        self._device = device
        self._speed = speed
        self._programs = {}
        self._state = (0, 0)  # position, tokens
        self.now = 0.0
        self.submits = []  # (program, seconds)
        self.parted = set()  # labels of steps that ran in parts
        self.on_submit = lambda: None

    def __getattr__(self, name):
        return getattr(self._device, name)

    async def prepare(self, program):
        self._programs[program.name] = program
        await self._device.prepare(program)

    def write(self, buffer, offset, data):
        if buffer == "state":
            words = memoryview(bytes(data)).cast("I")
            self._state = (words[0], words[1])
        self._device.write(buffer, offset, data)

    async def replay(self, program, times, read=None, steps=ALL):
        found = await self._device.replay(program, times, read, steps)
        whole = self._programs[program].steps[slice(*steps)]
        self._charge(program, [step for _ in range(times) for step in whole])
        return found

    async def replay_part(self, program, part: Part, read=None):
        found = await self._device.replay_part(program, part, read)
        step = self._programs[program].steps[part.step]
        self.parted.add(step.label)
        share = 1.0
        if step.kernel.template in ATTENTION:  # rows and keys are in the words, groups are not
            share = prod(part.grid) / prod(step.grid)
        self._charge(program, [replace(step, shape=part.shape, grid=part.grid)], share)
        return found

    def _charge(self, program, steps, share=1.0):
        seconds = 0.0
        for step in steps:
            position, tokens = self._state
            seconds += share * self._speed.seconds(step, tokens, position)
            if step.kernel.template == "sample":  # it advances the state
                self._state = (position + 1, tokens)
        self.now += seconds
        if steps:
            self.submits.append((program, seconds))
            self.on_submit()


class NoDevice:
    """A device that does nothing and answers with zeros: for what is only counted."""

    encoding_seconds = 0.0

    def __init__(self, limits=None):
        self.facts = DeviceFacts("none", limits=limits or {})

    def create(self, buffer):
        pass

    def release(self, buffer):
        pass

    def write(self, buffer, offset, data):
        pass

    def copy(self, source, target):
        pass

    async def read(self, part):
        return bytes(part.bytes)

    async def compile(self, _shaders, _progress=None):
        pass

    async def prepare(self, program):
        pass

    async def replay(self, _program, _times, read=None, _steps=ALL):
        return bytes(read.bytes if read else 0)

    async def replay_part(self, _program, _part, read=None):
        return bytes(read.bytes if read else 0)

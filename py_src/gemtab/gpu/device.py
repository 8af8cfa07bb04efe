"""The Device port: what the engine asks of a GPU. Two ends: page.py and native.py.

Buffers and programs go by name. Everything is ordered: a write or a replay sees all that came before.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

from gemtab.contracts.device_facts import DeviceFacts
from gemtab.contracts.program import Buffer, Part, Program, Slice

# kernel name -> {"features", "trial"} and, where they are not the host's, {"wgsl", "entry", "bindings"}
Shaders = Mapping[str, Mapping[str, Any]]
Progress = Callable[[int, int], None]
Steps = tuple[int, int]  # from the first to the one before the last
ALL: Steps = (0, 1 << 30)


class Device(Protocol):
    """A GPU behind names."""

    @property
    def facts(self) -> DeviceFacts:
        """What the adapter offers."""
        ...

    @property
    def encoding_seconds(self) -> float:
        """Host time so far in which replays were encoded and submitted."""
        ...

    def create(self, buffer: Buffer) -> None:
        """Make a buffer of zeros; one of the same name and size stays as it is."""
        ...

    def release(self, buffer: str) -> None:
        """Let go of a buffer's memory; programs that bind it must not run again."""
        ...

    def write(self, buffer: str, offset: int, data: bytes | memoryview) -> None:
        """Copy bytes into a buffer; offset and length are multiples of 4."""
        ...

    def copy(self, source: Slice, target: Slice) -> None:
        """Copy a part of a buffer into a part of another, of the same length."""
        ...

    async def read(self, part: Slice) -> bytes:
        """The bytes of a part of a buffer, once all earlier work is done."""
        ...

    async def compile(self, shaders: Shaders, progress: Progress | None = None) -> None:
        """Make pipelines; DeviceError with the compiler's words when one fails."""
        ...

    async def prepare(self, program: Program) -> None:
        """Make a program's bind groups; its buffers exist and its kernels are compiled."""
        ...

    def forget(self, program: str) -> None:
        """Let go of a program that was prepared, if it was, and of the memory that is its alone."""
        ...

    def keep_kernels(self, names: Collection[str]) -> None:
        """Let go of the pipelines of all other kernels: they are compiled anew when they are wanted."""
        ...

    async def replay(
        self, program: str, times: int, read: Slice | None = None, steps: Steps = ALL
    ) -> bytes:
        """Run a prepared program `times` times in one submit, then read a part of a buffer.

        Of each run only the steps from the first to the one before the last. Ends when the GPU has.
        """
        ...

    async def replay_part(self, program: str, part: Part, read: Slice | None = None) -> bytes:
        """Run a part of one dispatch of a prepared program in a submit of its own, then read.

        The step's own shape words are back in their place for the next submit.
        """
        ...

    async def seconds(self, program: str, times: int) -> float:
        """What one submit of so many runs takes: the GPU's own time where it tells, else the clock's."""
        ...

"""pick_slab and sample: logits to the chosen id, in two dispatches that never leave the GPU."""

from dataclasses import dataclass

from gemtab.contracts.program import Kernel, Slice, Step
from gemtab.contracts.state import MAX_CANDIDATES

SLAB = 1024
REPLY = 256  # ids that the reply ring holds
NO_ID = (1 << 32) - 1  # stands in the ring where logits were not finite


def slabs(vocab: int) -> int:
    """How many slabs the logits are searched in."""
    return -(-vocab // SLAB)


@dataclass(frozen=True)
class PickSlab:
    """logits [vocab] -> each slab's top_k candidates; slices: logits, candidates, state."""

    vocab: int

    @property
    def kernel(self) -> Kernel:
        """The shader."""
        return Kernel("pick_slab", bindings=("logits", "*candidates", "state"))

    def step(self, label: str, slices: tuple[Slice, ...]) -> Step:
        """The dispatch."""
        return Step(self.kernel, slices, (self.vocab,), (slabs(self.vocab), 1, 1), label)


@dataclass(frozen=True)
class Sample:
    """candidates -> the next id, and the state advanced; slices: candidates, top, ids, reply, state."""

    vocab: int

    @property
    def kernel(self) -> Kernel:
        """The shader."""
        params = (("MAX_CANDIDATES", MAX_CANDIDATES), ("REPLY", REPLY))
        bindings = ("candidates", "*top", "*ids", "*reply", "*state")
        return Kernel("sample", params, bindings=bindings)

    def step(self, label: str, slices: tuple[Slice, ...]) -> Step:
        """The dispatch."""
        return Step(self.kernel, slices, (slabs(self.vocab), self.vocab), (1, 1, 1), label)

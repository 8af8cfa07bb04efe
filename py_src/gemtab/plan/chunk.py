"""How many prompt tokens run together on a device: as many as a submit's time and the memory allow."""

from collections.abc import Mapping
from dataclasses import replace

from gemtab.contracts.manifest import Tensor
from gemtab.contracts.speed import Speed
from gemtab.kernels.matmul import TILE_TOKENS
from gemtab.kernels.variant import MAX_GROUPS
from gemtab.plan.accounts import accounts
from gemtab.plan.forward import plan_prefill
from gemtab.plan.memory import UNKNOWN_MEMORY
from gemtab.plan.model import Model
from gemtab.plan.settings import DEFAULT_CHUNK, Settings

SUBMIT_SECONDS = (
    0.1  # of a prompt; watchdogs end work of some seconds, and who stops waits for no less
)
SHORTEST, LONGEST = TILE_TOKENS, 512  # a chunk shorter than a tile takes as long as a whole one
SCRATCH_SHARE = 1 / 16  # of a device's memory, for what a chunk computes on its way


def best_chunk(settings: Settings, tensors: Mapping[str, Tensor], speed: Speed) -> int:
    """A power of two: the most tokens whose matrices take no longer than a submit should."""
    room = min(settings.capacity, MAX_GROUPS, LONGEST)
    longest = next((n for n in _lengths(room) if _fits(settings, n)), SHORTEST)
    if not speed.macs:
        return min(DEFAULT_CHUNK, longest, settings.capacity)
    model = Model.on(settings, dict(tensors))
    sample = min(SHORTEST, settings.capacity)
    macs = accounts(plan_prefill(model, sample), sample, 0).total.macs / sample
    wanted = SUBMIT_SECONDS * speed.macs / max(macs, 1)
    within = next((n for n in _lengths(longest) if n <= wanted), SHORTEST)
    return min(within, longest, settings.capacity)


def shorter_chunks(longest: int) -> list[int]:
    """The chunks that a prompt is cut into where the longest would take too long, the longest first."""
    return [longest, *(length for length in _lengths(longest) if length < longest)]


def _lengths(most: int) -> list[int]:
    """Chunks from the longest to the shortest."""
    return [1 << power for power in range(most.bit_length() - 1, -1, -1) if 1 << power >= SHORTEST]


def _fits(settings: Settings, tokens: int) -> bool:
    """Whether the buffers of such a chunk can be bound, and are a small part of the memory."""
    sizes = [one.bytes for one in replace(settings, chunk=tokens).scratch_buffers(tokens, False)]
    memory = settings.facts.memory or UNKNOWN_MEMORY
    return max(sizes) <= settings.facts.largest_binding and sum(sizes) <= memory * SCRATCH_SHARE

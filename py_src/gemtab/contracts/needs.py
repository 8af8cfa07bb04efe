"""What a model needs of a device, as the manifest tells it: a page judges by it before Python boots."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ContextNeeds:
    """At one context, bytes: K and V in f16, the rest but weights, the largest buffer that cannot be split."""

    cache: int
    scratch: int
    binding: int


@dataclass(frozen=True)
class Needs:
    """What plan/needs.py works out and web/engine/check/check.js reads.

    weights   bytes on the GPU, without the per-layer embeddings' table
    table     bytes of that table, which may lie on disk in place of the GPU
    token     bytes of weights that one token of a reply reads
    start     how much of the download a first token waits for, from 0 to 1: a long table comes after it
    limits    the least of WebGPU's limits, by their names; beside the two that `binding` is for
    context   the context where none is asked for
    contexts  by context, up to the model's longest
    """

    weights: int
    table: int
    token: int
    start: float
    limits: Mapping[str, int]
    context: int
    contexts: Mapping[str, ContextNeeds]

"""How far a model's next-token distributions are from another's: KL divergence, perplexity, top 1.

Logits of all positions fill no memory: the head is read slab by slab, and every sum runs along.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gemtab.contracts import names
from gemtab_build.arrays import Floats
from gemtab_build.progress import Report
from gemtab_build.quality.forward import final_states
from gemtab_build.quality.sources import Source
from gemtab_build.quality.windows import Window

Doubles = NDArray[np.float64]
SLAB_ROWS = 1024  # of the head; a multiple of 8


@dataclass
class Softmax:
    """A running softmax over the vocabulary, for all positions at once; log-sum-exp of what came."""

    peak: Doubles
    total: Doubles  # sum of exp(logit - peak)
    best: NDArray[np.int64]
    target: Doubles  # the logit of the id that came next

    @classmethod
    def of(cls, positions: int) -> "Softmax":
        """Before any logits."""
        nothing = np.full(positions, -np.inf)
        return cls(nothing, np.zeros(positions), np.zeros(positions, np.int64), nothing.copy())

    def add(self, logits: Doubles, first: int, targets: NDArray[np.int64]) -> Doubles:
        """Take in logits [positions, ids] of ids from `first` on. Returns exp(old peak - new one)."""
        here = logits.argmax(axis=1)
        highest = logits[np.arange(len(logits)), here]
        self.best = np.where(highest > self.peak, first + here, self.best)
        peak = np.maximum(self.peak, highest)
        shrink: Doubles = np.exp(self.peak - peak)
        self.total = self.total * shrink + np.exp(logits - peak[:, None]).sum(axis=1)
        self.peak = peak
        inside = (targets >= first) & (targets < first + logits.shape[1])
        self.target[inside] = logits[inside, targets[inside] - first]
        return shrink

    @property
    def log_total(self) -> Doubles:
        """log(sum(exp(logits))) of each position."""
        result: Doubles = self.peak + np.log(self.total)
        return result


def compare_outputs(
    original: Source,
    others: Mapping[str, Source],
    windows: Sequence[Window],
    report: Report = lambda *_: None,
) -> dict[str, dict[str, float]]:
    """Perplexity of each source by name, `unquantized` for the original; for the others also the mean
    KL divergence from the original in nats, and how often the likeliest id is the same.
    """
    sources = {"unquantized": original, **others}
    targets = np.concatenate([window[1:] for window in windows])
    asked = _positions_before_a_target(windows)
    states = {}
    for name, source in sources.items():
        states[name] = final_states(source, windows, report=report)[asked]
    softmaxes = {name: Softmax.of(len(asked)) for name in sources}
    drift = {name: np.zeros(len(asked)) for name in others}  # sum of p * (its logit - theirs)
    for first, logits in _logits(sources, states):
        shrink = softmaxes["unquantized"].add(logits["unquantized"], first, targets)
        p = np.exp(logits["unquantized"] - softmaxes["unquantized"].peak[:, None])
        for name in others:
            softmaxes[name].add(logits[name], first, targets)
            gap = (p * (logits["unquantized"] - logits[name])).sum(axis=1)
            drift[name] = drift[name] * shrink + gap
    return {name: _facts(name, softmaxes, drift.get(name)) for name in sources}


def _facts(name: str, softmaxes: Mapping[str, Softmax], drift: Doubles | None) -> dict[str, float]:
    own, base = softmaxes[name], softmaxes["unquantized"]
    facts = {"perplexity": float(np.exp((own.log_total - own.target).mean()))}
    if drift is not None:
        divergence = drift / base.total - base.log_total + own.log_total
        facts["kl"] = float(divergence.mean())
        facts["same_top_1"] = float((own.best == base.best).mean())
    return facts


def _positions_before_a_target(windows: Sequence[Window]) -> NDArray[np.int64]:
    """Rows of the states that predict an id of the text: all but the last of each window."""
    total = sum(map(len, windows))
    lasts = np.cumsum([len(window) for window in windows]) - 1
    return np.setdiff1d(np.arange(total), lasts)


def _logits(
    sources: Mapping[str, Source], states: Mapping[str, Floats]
) -> Iterator[tuple[int, dict[str, Doubles]]]:
    """(first id, softcapped logits [positions, ids] by source) of the vocabulary, slab by slab."""
    config = next(iter(sources.values())).config
    head = names.EMBED if config.tied else names.HEAD
    for first in range(0, config.vocab, SLAB_ROWS):
        count = min(SLAB_ROWS, config.vocab - first)
        found = {}
        for name, source in sources.items():
            logits = (states[name] @ source.rows(head, first, count).T).astype(np.float64)
            if config.softcap:
                logits = config.softcap * np.tanh(logits / config.softcap)
            found[name] = logits
        yield first, found

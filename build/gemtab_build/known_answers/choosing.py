"""Cases of the kernels that choose an id: pick_slab, sample."""

import numpy as np

from gemtab.contracts.program import Kernel, Step
from gemtab.contracts.state import MAX_CANDIDATES
from gemtab.kernels.sample import REPLY, SLAB, PickSlab, Sample, slabs
from gemtab_build.known_answers.case import Case

TOP = 5  # candidates a slab
PAIR = 2  # words of a candidate: id, logit
POSITION, WRITTEN = 70, REPLY + 3  # the reply has come round
MANY = 70  # slabs: more than lanes
STATE_WORDS = (0, 2)  # position, written


def case_of_pick_slab(_kernel: Kernel) -> tuple[Case, Step]:
    """Two slabs and a ragged one, with many ties."""
    vocab = 2 * SLAB + 301
    case = Case()
    logits = case.floats("logits", vocab, 10.0, period=997).astype("<f4")
    count = slabs(vocab)
    case.unwritten("candidates", 4 * PAIR * MAX_CANDIDATES * count)
    case.state(POSITION, 1, top_k=TOP)
    best = np.stack([_best(logits, slab) for slab in range(count)])
    pitch = PAIR * MAX_CANDIDATES
    case.expect("candidates", best, 0, "u32", step=PAIR, pitch=pitch)
    bits = logits[best].view("<u4")
    case.expect("candidates", bits, 0, "u32", first=1, step=PAIR, pitch=pitch)
    return case, PickSlab(vocab).step("", ())


def _best(logits: np.ndarray, slab: int) -> np.ndarray:
    """The ids of a slab's largest logits, the lower first in a tie."""
    own = logits[slab * SLAB : (slab + 1) * SLAB]
    return np.lexsort((np.arange(len(own)), -own))[:TOP] + slab * SLAB


def case_of_sample(_kernel: Kernel) -> tuple[Case, Step]:
    """The best of more slabs than there are lanes; any words do for their ids."""
    vocab = MANY * SLAB
    case = Case()
    words = case.floats("candidates", MANY * MAX_CANDIDATES * PAIR).astype("<f4")
    first = words.reshape(MANY, MAX_CANDIDATES, PAIR)[:, 0]
    ids = first[:, 0].view("<u4")
    best = ids[first[:, 1] == first[:, 1].max()].min().reshape(1, 1)
    case.unwritten("top", 4 * PAIR * MAX_CANDIDATES)
    case.unwritten("ids", 8)
    case.unwritten("reply", 4 * REPLY)
    case.state(POSITION, 1, written=WRITTEN, top_k=1)
    case.expect("ids", best, 0, "u32")
    case.expect("top", best, 0, "u32")
    case.expect("reply", best, 0, "u32", first=WRITTEN % REPLY)
    advanced = np.array([[POSITION + 1, WRITTEN + 1]])
    case.expect("state", advanced, 0, "u32", step=STATE_WORDS[1] - STATE_WORDS[0])
    return case, Sample(vocab).step("", ())

"""Cases of the kernels that choose an id: pick_slab, sample."""

import numpy as np

from gemtab.contracts.program import Kernel, Step
from gemtab.contracts.state import MAX_CANDIDATES
from gemtab.kernels.sample import REPLY, SLAB, PickSlab, Sample, slabs
from gemtab_build.known_answers.case import Case

TOP = 5  # candidates a slab
PAIR = 2  # words of a candidate: id, logit
POSITION, WRITTEN = 70, REPLY + 3  # the reply has come round
MANY = 270  # slabs: more than lanes
REPEATED, OFFSET = 3, 77  # of those slabs; where in a slab its best id stands
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
    """The best of more slabs than there are lanes, which repeat a few: of these the middle one has the best."""
    vocab = MANY * SLAB
    case = Case()
    heads = np.zeros((REPEATED, MAX_CANDIDATES, PAIR), "<u4")
    heads[:, 0, 0] = np.arange(REPEATED) * SLAB + OFFSET
    heads[:, 0, 1] = np.array([-2.5, 7.25, 7.0], "<f4").view("<u4")
    case.give("candidates", heads.tobytes(), 4 * PAIR * MAX_CANDIDATES * MANY)
    best = heads[1:2, 0, :1]
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

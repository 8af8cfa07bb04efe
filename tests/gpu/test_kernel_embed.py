"""embed alone: a table's rows for the ids at hand, in every weight encoding."""

import numpy as np
import pytest

from gemtab.kernels.embed import Embed
from helpers.devices import on_devices
from helpers.dispatch import dispatch, state_words, untouched, unwritten
from helpers.encoded import ENCODINGS, random_matrix, widths
from helpers.tolerance import TINY, U

TABLES = [(encoding, n_in) for encoding in ENCODINGS for n_in in widths(encoding)]
ROWS, FIRST, SCALE = 23, 1000, 160**0.5
# of the piece: its first row, its last, one twice; then the neighbours of both ends, and far ids
OWN = [FIRST, FIRST + ROWS - 1, FIRST + 7, FIRST + 7]
OTHER = [FIRST - 1, FIRST + ROWS, 0, 262_143]


@on_devices("shader-f16")
@pytest.mark.parametrize(("encoding", "n_in"), TABLES)
def test_a_piece_writes_the_rows_that_are_its_own(device, variant, rng, encoding, n_in):
    planes, table = random_matrix(rng, encoding, ROWS, n_in)
    ids = rng.permutation([*OWN, *OTHER, FIRST]).astype(np.uint32)
    tokens = len(ids) - 1  # the pass is planned for one more
    step = Embed(encoding, n_in, ROWS, FIRST, SCALE, variant).step(len(ids), "", ())
    y = unwritten(len(ids), n_in)

    y = dispatch(device, step, ids=ids, y=y, state=state_words(3, tokens), **planes)["y"]

    own = np.isin(ids, OWN) & (np.arange(len(ids)) < tokens)
    wanted = table[ids[own] - FIRST] * SCALE
    assert own.sum() >= 4
    # the constant and the product are rounded, and a packed value before it
    assert np.all(np.abs(y[own] - wanted) <= 4 * U * np.abs(wanted) + TINY)
    assert untouched(y[~own]).all()

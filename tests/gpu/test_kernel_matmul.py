"""matvec, matfew and matmul alone against the product in float64, in every weight encoding."""

import numpy as np
import pytest

from gemtab.contracts.errors import ShapeError
from gemtab.kernels.ends import Sink, Source
from gemtab.kernels.matmul import COLUMNS, FEW, TILE_ROWS, TILE_TOKENS, Matmul
from gemtab.kernels.tuning import USUAL
from gemtab.kernels.variant import MAX_GROUPS
from helpers.devices import on_devices
from helpers.dispatch import SPOILT, dispatch, state_words, untouched, unwritten
from helpers.encoded import ENCODINGS, random_matrix, widths
from helpers.tolerance import sum_bound

MATRICES = [(encoding, n_in) for encoding in ENCODINGS for n_in in widths(encoding)]
# tokens planned for and asked for: every kernel's fewest, a tile and one more, parts of chunks
CHUNKS = [
    (1, 1), (2, 2), (3, 3), (COLUMNS, COLUMNS - 3), (FEW - 1, COLUMNS + 1), (FEW + 1, FEW + 1),
    (TILE_TOKENS + 1, TILE_TOKENS + 1), (TILE_TOKENS + 7, TILE_TOKENS - 5),
]  # fmt: skip


def product(device, kernel, x, tokens, planes):
    """y [planned, stride] as the kernel leaves it, planned for all rows of x and asked for `tokens`."""
    x = np.where(np.arange(len(x))[:, None] < tokens, x, SPOILT.view(np.float32))
    y = unwritten(len(x), kernel.stride)
    step = kernel.step(len(x), "", ())
    return dispatch(device, step, x=x, y=y, state=state_words(5, tokens), **planes)["y"]


def check(y, x, weights, first_row=0):
    """Columns from `first_row` on are x · Wᵀ for the rows of x, and nothing else is written."""
    depth = x.shape[1] + 8  # whatever the order of the sum, and the few roundings around it
    own = (slice(len(x)), slice(first_row, first_row + len(weights)))
    error = np.abs(y[own] - x.astype(np.float64) @ weights.T)
    assert np.all(error <= sum_bound(np.abs(x) @ np.abs(weights).T, depth))
    y[own] = unwritten(1)
    assert untouched(y).all()


@on_devices("shader-f16")
@pytest.mark.parametrize(("encoding", "n_in"), MATRICES)
def test_every_encoding_and_width(device, variant, rng, encoding, n_in):
    n_out = TILE_ROWS + 3
    planes, weights = random_matrix(rng, encoding, n_out, n_in)
    kernel = Matmul(encoding, n_in, n_out, variant=variant)
    for planned, tokens in CHUNKS:
        x = rng.standard_normal((planned, n_in), np.float32)

        y = product(device, kernel, x, tokens, planes)

        check(y, x[:tokens], weights)


@on_devices()
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("tokens", [1, 5, 11, FEW + 3])
def test_a_part_of_the_rows_fills_its_own_columns(device, rng, encoding, tokens):
    """Of a buffer of 61 rows, those from the 19th on; of 41 columns, those from the 24th on."""
    n_in, w_row, first, n_out, stride = widths(encoding)[-1], 19, 24, 13, 41
    planes, weights = random_matrix(rng, encoding, 61, n_in)
    x = rng.standard_normal((tokens, n_in), np.float32)
    kernel = Matmul(encoding, n_in, n_out, first, stride, w_row)

    y = product(device, kernel, x, tokens, planes)

    check(y, x, weights[w_row : w_row + n_out], first)


@pytest.mark.parametrize("tokens", [1, 2])
def test_more_rows_than_one_dimension_has_groups(device, rng, tokens):
    n_out = MAX_GROUPS * USUAL.quads * 4 + 5
    planes, weights = random_matrix(rng, "f32", n_out, 1)
    x = rng.standard_normal((tokens, 1), np.float32)
    kernel = Matmul("f32", 1, n_out)

    y = product(device, kernel, x, tokens, planes)

    assert kernel.step(tokens, "", ()).grid[tokens > 1 :][1] == 2
    check(y, x, weights)


def test_what_no_kernel_does_is_refused():
    with pytest.raises(ShapeError, match="columns 24 to 37 of y, which has 36"):
        Matmul("f32", 8, 13, 24, 36)
    with pytest.raises(ShapeError, match="whole blocks of 32 are normed on the way, got n_in=84"):
        Matmul("f32", 84, 8, source=Source("stream"))
    for more in ({"source": Source("stream")}, {"sink": Sink("softcap", cap=30.0)}):
        with pytest.raises(ShapeError, match="for one token"):
            Matmul("f32", 64, 8, **more).step(2, "", ())

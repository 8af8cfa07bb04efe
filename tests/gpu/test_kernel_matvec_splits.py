"""matvec after the splits of one token's attention, merged on the way, against float64."""

import numpy as np
import pytest

from gemtab.kernels.attend import part_bytes
from gemtab.kernels.ends import MOST_SPLITS, Source
from gemtab.kernels.matmul import Matmul
from helpers.devices import on_devices
from helpers.dispatch import dispatch, untouched, unwritten
from helpers.encoded import random_matrix
from helpers.tolerance import ULP, U, exp_bound, sum_bound

CASES = {  # heads, values a head, splits, those of them that saw keys, what the scores' largest are about
    "one split": (4, 24, 1, 1, 3.0),
    "an odd number of splits with keys": (4, 256, 8, 5, 3.0),
    "all splits, E2B's heads": (8, 256, MOST_SPLITS, MOST_SPLITS, 3.0),
    "one split with keys of many": (12, 88, 7, 1, 3.0),
    "scores far apart": (2, 16, 8, 8, 300.0),
    "scores far out": (2, 16, 3, 2, 1e30),
}


def random_parts(rng, heads, head_dim, splits, used, spread):
    """What attend leaves, and the largest scores, totals and sums in float64."""
    parts = np.zeros((heads, splits, head_dim + 4), np.float32)
    parts[:, used:, head_dim] = -1.0e38
    parts[:, :used, :head_dim] = rng.standard_normal((heads, used, head_dim)) * 9
    parts[:, :used, head_dim] = rng.standard_normal((heads, used)) * spread
    parts[:, :used, head_dim + 1] = rng.uniform(1, 64, (heads, used))
    exact = parts.astype(np.float64)
    return parts, exact[..., head_dim], exact[..., head_dim + 1], exact[..., :head_dim]


@on_devices("shader-f16")
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_splits_are_merged_on_the_way(device, variant, rng, case):
    heads, head_dim, splits, *_ = case
    n_in, n_out, first, stride = heads * head_dim, 37, 5, 53
    parts, largest, totals, sums = random_parts(rng, *case)
    assert parts.nbytes == part_bytes(heads, head_dim, splits)
    planes, weights = random_matrix(rng, "q4", n_out, n_in)
    source = Source("splits", splits=splits, head_dim=head_dim)
    kernel = Matmul("q4", n_in, n_out, first, stride, 0, variant, source=source)

    found = dispatch(device, kernel.step(1, "", ()), x=parts, y=unwritten(stride), **planes)["y"]

    below = largest.max(1, keepdims=True) - largest
    counts = np.exp(-below)
    total = (totals * counts).sum(1, keepdims=True)
    x = (sums * (counts / total)[..., None]).sum(1).reshape(-1)
    # of each weight: two exps and what they are of, the total's sum, a quotient, a product
    lost = 2 * exp_bound(below) + 2 * below * U + (splits + 4) * U + 3 * ULP
    lost = np.where(counts > 0, np.expm1(np.minimum(lost, 1)), 0) + 0 * below
    error = (
        np.abs(sums)
        * (counts / total * (lost + lost.max(1, keepdims=True, where=counts > 0, initial=0)))[
            ..., None
        ]
    )
    error = error.sum(1).reshape(-1)
    size = np.abs(weights)
    bound = sum_bound(size @ (np.abs(x) + error), n_in + splits + 8) + size @ error
    assert np.all(np.abs(found[first : first + n_out] - weights @ x) <= bound)
    found[first : first + n_out] = unwritten(1)
    assert untouched(found).all()

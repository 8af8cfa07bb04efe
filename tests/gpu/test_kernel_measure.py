"""measure alone against the product in float64."""

import numpy as np
import pytest

from gemtab.contracts.errors import ShapeError
from gemtab.kernels.measure import Measure
from helpers.devices import on_devices
from helpers.dispatch import dispatch, unwritten
from helpers.tolerance import sum_bound


@on_devices()
@pytest.mark.parametrize(("n_out", "n_in"), [(32, 32), (96, 608), (32 * 7, 2048)])
def test_measure(device, rng, n_out, n_in):
    values = rng.integers(0, 16, (n_out, n_in), np.uint32)
    codes = (values.reshape(n_out, -1, 8) << np.arange(0, 32, 4, np.uint32)).sum(-1, np.uint32)
    x = rng.standard_normal(n_in).astype(np.float32)
    step = Measure(n_in, n_out).step("", ())

    y = dispatch(device, step, codes=codes, x=x, y=unwritten(n_out))["y"]

    weights = values.astype(np.float64) - 8
    bound = sum_bound(np.abs(weights) @ np.abs(x.astype(np.float64)), n_in)
    assert np.all(np.abs(y - weights @ x) <= bound)


@pytest.mark.parametrize(("n_out", "n_in"), [(32, 33), (31, 32)])
def test_a_part_of_a_block_or_of_a_workgroup_is_refused(n_out, n_in):
    with pytest.raises(ShapeError, match="whole blocks of 32 and 32 rows"):
        Measure(n_in, n_out)

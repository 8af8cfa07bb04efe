"""norm, norm_add and ple_merge alone against float64."""

import numpy as np
import pytest

from gemtab.kernels.elementwise import PleMerge
from gemtab.kernels.norm import Norm, NormAdd
from helpers.devices import on_devices
from helpers.dispatch import dispatch, state_words, untouched, unwritten
from helpers.reference import rms
from helpers.tolerance import TINY, U, rms_bound, sum_bound

EPS = 1e-6
SHAPES = {  # tokens planned for, tokens asked for, values
    "one value": (1, 1, 1),
    "fewer values than lanes": (1, 1, 61),
    "as many values as lanes": (5, 5, 64),
    "a part of a chunk": (7, 3, 67),
    "E2B's hidden size": (2, 2, 1536),
}
shapes = pytest.mark.parametrize(("planned", "tokens", "n"), SHAPES.values(), ids=SHAPES)


def chunk(rng, planned, n):
    """Rows of several magnitudes, from where eps is all to where f32 can barely add the squares."""
    x = rng.standard_normal((planned, n)) * 10.0 ** np.resize([2, -3, 15, -15, 0], (planned, 1))
    return x.astype(np.float32)


def weight(rng, n):
    return rng.uniform(-2, 2, n).astype(np.float32)


@on_devices("subgroups")
@shapes
def test_norm(device, variant, rng, planned, tokens, n):
    x, w = chunk(rng, planned, n), weight(rng, n)
    step = Norm(n, EPS, variant).step(planned, "", ())

    y = dispatch(
        device, step, x=x, y=unwritten(planned, n), weight=w, state=state_words(9, tokens)
    )["y"]

    wanted = rms(x[:tokens].astype(np.float64), EPS, w)
    assert np.all(np.abs(y[:tokens] - wanted) <= rms_bound(n) * np.abs(wanted) + TINY)
    assert untouched(y[tokens:]).all()


def test_norm_of_zeros_is_zero(device):
    n = 67
    arrays = {"x": np.zeros((1, n), np.float32), "weight": np.ones(n, np.float32)}
    arrays |= {"y": unwritten(1, n), "state": state_words()}

    assert np.all(dispatch(device, Norm(n, EPS).step(1, "", ()), **arrays)["y"] == 0)


@on_devices("subgroups")
@pytest.mark.parametrize("scaled", [False, True], ids=["plain", "scaled"])
@shapes
def test_norm_add(device, variant, rng, planned, tokens, n, scaled):
    x, w = chunk(rng, planned, n), weight(rng, n)
    h = rng.standard_normal((planned, n)).astype(np.float32)
    scalar = np.array([0.37], np.float32) if scaled else w
    step = NormAdd(n, EPS, scaled, variant).step(planned, "", ())

    found = dispatch(device, step, x=x, h=h, weight=w, scalar=scalar, state=state_words(9, tokens))[
        "h"
    ]

    branch = rms(x[:tokens].astype(np.float64), EPS, w)
    scale = float(scalar[0]) if scaled else 1.0
    wanted = (h[:tokens] + branch) * scale
    bound = rms_bound(n) * np.abs(branch) + sum_bound(np.abs(h[:tokens]) + np.abs(branch), 2)
    assert np.all(np.abs(found[:tokens] - wanted) <= scale * bound)
    assert np.array_equal(found[tokens:], h[tokens:])


@on_devices("subgroups")
@shapes
def test_ple_merge_of_the_first_layers(device, variant, rng, planned, tokens, n):
    layers, wanted_layers, scale = 5, 3, 160**-0.5
    context = rng.standard_normal((planned, layers, n)).astype(np.float32) * 9
    token_part, w = rng.standard_normal((planned, layers, n)).astype(np.float32), weight(rng, n)
    step = PleMerge(n, layers, scale, EPS, variant).step(planned, wanted_layers, "", ())

    found = dispatch(
        device, step, context=context, token_part=token_part, weight=w, state=state_words(9, tokens)
    )["context"]

    own = (slice(tokens), slice(wanted_layers))
    normed = rms(context[own].astype(np.float64) * scale, EPS, w)
    wanted = (normed + token_part[own]) * 0.5**0.5
    # beside the norm's: the scale in f32, twice its product, then the sum, √½ and its product
    sizes = np.abs(normed) + np.abs(token_part[own])
    bound = (rms_bound(n) + 4 * U) * np.abs(normed) + sum_bound(sizes, 3)
    assert np.all(np.abs(found[own] - wanted) <= bound)
    found[own] = context[own]
    assert np.array_equal(found, context)

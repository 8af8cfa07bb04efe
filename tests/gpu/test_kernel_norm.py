"""norm, join and ple_merge alone against float64."""

import numpy as np
import pytest

from gemtab.kernels.elementwise import PleMerge
from gemtab.kernels.norm import Join, Norm
from helpers.devices import on_devices
from helpers.dispatch import SPOILT, dispatch, state_words, untouched, unwritten
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
@pytest.mark.parametrize("normed", [False, True], ids=["alone", "normed"])
@shapes
def test_join(device, variant, rng, planned, tokens, n, normed, scaled):
    """The vectors of use lie among others, in floats from the 64th on."""
    x, h = chunk(rng, planned, n), rng.standard_normal((planned, n)).astype(np.float32)
    vectors = np.full(64 + 2 * n + 7, SPOILT).view(np.float32)
    post_norm, norm, scalar = 64, 64 + n, 64 + 2 * n
    vectors[post_norm:scalar] = weight(rng, 2 * n)
    vectors[scalar] = 0.37
    kernel = Join(n, EPS, post_norm, scalar if scaled else None, norm if normed else None, variant)
    arrays = {"vectors": vectors, "y": unwritten(planned, n), "state": state_words(9, tokens)}

    found = dispatch(device, kernel.step(planned, "", ()), x=x, h=h, **arrays)

    branch = rms(x[:tokens].astype(np.float64), EPS, vectors[post_norm:norm])
    scale = float(vectors[scalar]) if scaled else 1.0
    bound = rms_bound(n) * np.abs(branch) + sum_bound(np.abs(h[:tokens]) + np.abs(branch), 2)
    stream, y = found["h"], found["y"]
    assert np.all(np.abs(stream[:tokens] - (h[:tokens] + branch) * scale) <= scale * bound)
    assert np.array_equal(stream[tokens:], h[tokens:])
    if normed:
        wanted = rms(stream[:tokens].astype(np.float64), EPS, vectors[norm:scalar])
        assert np.all(np.abs(y[:tokens] - wanted) <= rms_bound(n) * np.abs(wanted) + TINY)
        y[:tokens] = unwritten(1)
    assert untouched(y).all()


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

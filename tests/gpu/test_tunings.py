"""Every tuning of the kernels that multiply with a matrix, against float64."""

from dataclasses import replace

import numpy as np
import pytest

from gemtab.kernels.ends import Sink, Source
from gemtab.kernels.matmul import FEW, Matmul
from gemtab.kernels.tuning import BY_CHUNK, BY_TOKEN
from helpers.devices import on_devices
from helpers.dispatch import dispatch, state_words, untouched, unwritten
from helpers.encoded import random_matrix
from helpers.reference import gelu, rms
from helpers.tolerance import gelu_bound, rms_bound, sum_bound

N_IN = 352  # an odd number of blocks, and fewer of them than some workgroups have lanes a row
ROWS = (1, 3, 37, 131)  # less than four, and odd numbers past one workgroup's and many
EPS = 1e-6
by_token = pytest.mark.parametrize("tuning", [one for one in BY_TOKEN if one.rows], ids=str)
by_chunk = pytest.mark.parametrize("tuning", [one for one in BY_CHUNK if one.tile], ids=str)
encodings = pytest.mark.parametrize("encoding", ["q4", "f16", "w2"])


def y_of(device, kernel, tokens, x, planes, **more):
    """y [tokens, stride]."""
    step = kernel.step(tokens, "", ())
    y = unwritten(tokens, kernel.stride)
    return dispatch(device, step, x=x, y=y, state=state_words(3, tokens), **planes, **more)["y"]


def check_product(device, rng, variant, encoding, tokens, n_out):
    first, stride, w_row = 2, n_out + 7, 5
    planes, weights = random_matrix(rng, encoding, w_row + n_out, N_IN)
    x = rng.standard_normal((tokens, N_IN), np.float32)
    kernel = Matmul(encoding, N_IN, n_out, first, stride, w_row, variant)

    y = y_of(device, kernel, tokens, x, planes)

    own = weights[w_row:]
    bound = sum_bound(np.abs(x) @ np.abs(own).T, N_IN + 8)
    inside = (slice(None), slice(first, first + n_out))
    assert np.all(np.abs(y[inside] - x @ own.T) <= bound)
    y[inside] = unwritten(1)
    assert untouched(y).all()


@on_devices("shader-f16")
@by_token
@encodings
def test_products_of_one_and_of_a_few_tokens(device, variant, rng, encoding, tuning):
    tuned = replace(variant, tuning=tuning)
    for tokens in (1, 2, 3, FEW):
        for n_out in ROWS:
            check_product(device, rng, tuned, encoding, tokens, n_out)


@on_devices("shader-f16")
@by_chunk
@encodings
def test_products_of_a_chunk(device, variant, rng, encoding, tuning):
    tuned = replace(variant, tuning=tuning)
    for tokens in (FEW + 1, 31, 67):
        for n_out in ROWS:
            check_product(device, rng, tuned, encoding, tokens, n_out)


@on_devices("subgroups")
@by_token
def test_a_gate_of_what_is_normed(device, variant, rng, tuning):
    """Sources and sinks share the workgroup's lanes and rows with the matrix."""
    for n_out in ROWS:
        planes, weights = random_matrix(rng, "q4", 2 * n_out, N_IN)
        x = rng.standard_normal(N_IN).astype(np.float32)
        norm = rng.uniform(-2, 2, N_IN).astype(np.float32)
        kernel = Matmul(
            "q4", N_IN, n_out, variant=replace(variant, tuning=tuning),
            source=Source("stream", EPS, 0), sink=Sink("gated"),
        )  # fmt: skip

        y = y_of(device, kernel, 1, x, planes, vectors=norm, branch=x, next=x, inputs=x)[0]

        normed = rms(x.astype(np.float64), EPS, norm)
        lost = rms_bound(N_IN) * np.abs(normed)
        size = np.abs(weights)
        errors = sum_bound(size @ (np.abs(normed) + lost), N_IN + 8) + size @ lost
        (gate, up), (of_gate, of_up) = np.split(weights @ normed, 2), np.split(errors, 2)
        bound = gelu_bound(gate, of_gate) * (np.abs(up) + of_up) + np.abs(gelu(gate)) * of_up
        assert np.all(np.abs(y - gelu(gate) * up) <= bound + sum_bound(np.abs(y), 1))

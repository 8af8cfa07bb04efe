"""matvec with what comes before the matrix and after it, alone against float64."""

import asyncio

import numpy as np
import pytest

from gemtab.contracts.program import Slice
from gemtab.kernels.ends import Sink, Source
from gemtab.kernels.matmul import Matmul
from helpers.devices import on_devices
from helpers.dispatch import SPOILT, dispatch, untouched, unwritten
from helpers.encoded import ENCODINGS, random_matrix
from helpers.reference import gelu, rms
from helpers.tolerance import gelu_bound, rms_bound, softcap_bound, sum_bound

N_IN = 352  # an odd number of blocks, and more fours than lanes
EPS = 1e-6
DEPTH = N_IN + 8  # whatever the order of a sum, and the few roundings around it
# in fours, among vectors that are none of the kernel's
NORM, POST_NORM, SCALAR = 16, 128, 240
SOURCES = {
    "as it is": Source("stream", EPS),
    "normed": Source("stream", EPS, NORM),
    "joined": Source("stream", EPS, None, POST_NORM),
    "joined, scaled": Source("stream", EPS, None, POST_NORM, SCALAR),
    "joined, normed": Source("stream", EPS, NORM, POST_NORM),
    "joined, scaled, normed": Source("stream", EPS, NORM, POST_NORM, SCALAR),
}
SIZES = (7.0, 1e15, 1e-15)  # of what is normed: eps is all of the last one's root


def random_vectors(rng):
    """The bound vectors, and those among them: norm, post norm, scalar."""
    vectors = np.full(4 * 256, SPOILT).view(np.float32)
    norm, post_norm = rng.uniform(-2, 2, (2, N_IN)).astype(np.float32)
    vectors[4 * NORM :][:N_IN], vectors[4 * POST_NORM :][:N_IN] = norm, post_norm
    vectors[4 * SCALAR] = 0.37
    return vectors, norm, post_norm, float(vectors[4 * SCALAR])


def joined(x, branch, post_norm, scalar):
    """The stream with the branch, and its bound: of the norm, of the sum, of the scaling."""
    normed = rms(branch.astype(np.float64), EPS, post_norm)
    bound = rms_bound(N_IN) * np.abs(normed) + sum_bound(np.abs(x) + np.abs(normed), 3)
    return (x + normed) * scalar, scalar * bound


def check_source(device, variant, rng, source, encoding):
    w_row, n_out, first, stride = 3, 37, 5, 53
    planes, weights = random_matrix(rng, encoding, w_row + n_out, N_IN)
    vectors, norm, post_norm, scalar = random_vectors(rng)
    kernel = Matmul(encoding, N_IN, n_out, first, stride, w_row, variant, source=source)
    for size in SIZES:
        x, branch = (rng.standard_normal((2, N_IN)) * [[3], [size]]).astype(np.float32)
        if source.post_norm is None:
            x, branch = branch, unwritten(N_IN)
        arrays = {"x": x, "branch": branch, "vectors": vectors, "next": unwritten(N_IN)}
        arrays["inputs"] = unwritten(1)

        found = dispatch(device, kernel.step(1, "", ()), y=unwritten(stride), **arrays, **planes)

        stream = x.astype(np.float64)
        if source.post_norm is None:
            assert untouched(found["next"]).all()
        else:
            stream, bound = joined(x, branch, post_norm, 1.0 if source.scalar is None else scalar)
            assert np.all(np.abs(found["next"] - stream) <= bound)
            assert np.array_equal(stored(device, "x", x), x)
            stream = found["next"].astype(np.float64)  # as it goes on from here
        values, error = stream, 0.0
        if source.norm is not None:
            values = rms(stream, EPS, norm)
            error = rms_bound(N_IN) * np.abs(values)
        size = np.abs(weights[w_row:])
        bound = sum_bound(size @ (np.abs(values) + error), DEPTH) + size @ (error + 0 * values)
        own = slice(first, first + n_out)
        assert np.all(np.abs(found["y"][own] - weights[w_row:] @ values) <= bound)
        found["y"][own] = unwritten(1)
        assert untouched(found["y"]).all()


def stored(device, name, like):
    """A buffer's content, of one that the kernel only reads."""
    data = asyncio.run(device.read(Slice(name, 0, like.nbytes)))
    return np.frombuffer(data, like.dtype).reshape(like.shape)


@on_devices("shader-f16", "subgroups")
@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_each_source(device, variant, rng, source):
    check_source(device, variant, rng, source, "q4")


@on_devices()
@pytest.mark.parametrize("encoding", sorted({*ENCODINGS} - {"q4"}))
def test_a_source_before_every_encoding(device, variant, rng, encoding):
    check_source(device, variant, rng, SOURCES["joined, scaled, normed"], encoding)


def test_a_stream_of_zeros_stays_zero(device):
    arrays = {name: np.zeros(N_IN, np.float32) for name in ("x", "branch", "next", "inputs")}
    arrays |= {"vectors": np.ones(1024, np.float32), "values": np.ones((1, N_IN), np.float32)}
    kernel = Matmul("f32", N_IN, 1, source=SOURCES["joined, scaled, normed"])

    found = dispatch(device, kernel.step(1, "", ()), y=unwritten(1), **arrays)

    assert not np.any(found["next"])
    assert found["y"] == 0


def through_sink(device, variant, rng, encoding, sink, n_out, rows, spread, **more):
    """y as the kernel leaves it in columns from the 5th on; sums of all rows, and their bound."""
    w_row, first = 3, 5
    planes, weights = random_matrix(rng, encoding, w_row + rows + 2, N_IN)
    x = (rng.standard_normal(N_IN) * spread * N_IN**-0.5).astype(np.float32)
    kernel = Matmul(encoding, N_IN, n_out, first, first + n_out + 7, w_row, variant, sink=sink)

    arrays = {"x": x, "y": unwritten(kernel.stride), "inputs": unwritten(1), **planes, **more}
    y = dispatch(device, kernel.step(1, "", ()), **arrays)["y"]

    assert untouched(y[:first]).all()
    assert untouched(y[first + n_out :]).all()
    own = weights[w_row : w_row + rows]
    return y[first : first + n_out], own @ x, sum_bound(np.abs(own) @ np.abs(x), DEPTH)


@on_devices("shader-f16")
@pytest.mark.parametrize("encoding", ["f32", "f16", "q8", "q4", "w4"])
def test_a_gate_of_every_encoding(device, variant, rng, encoding):
    for n_out in (1, 16, 37, 67):  # less than a quad, a workgroup's rows, and odd numbers past it
        y, sums, errors = through_sink(
            device, variant, rng, encoding, Sink("gated"), n_out, 2 * n_out, 4
        )

        (gate, up), (of_gate, of_up) = np.split(sums, 2), np.split(errors, 2)
        bound = gelu_bound(gate, of_gate) * (np.abs(up) + of_up) + np.abs(gelu(gate)) * of_up
        assert np.all(np.abs(y - gelu(gate) * up) <= bound + sum_bound(np.abs(y), 1))


@on_devices()
@pytest.mark.parametrize("encoding", ["f16", "q4", "w8"])
def test_per_layer_inputs_gated(device, variant, rng, encoding):
    """A layer's inputs lie among those of others; the rows are a part of those that they belong to."""
    n_out, first_input, first = 37, 71, 5
    inputs = np.full(200, SPOILT).view(np.float32)
    own = slice(first_input + first, first_input + first + n_out)
    inputs[own] = rng.standard_normal(n_out) * 3

    sink = Sink("ple", first_input=first_input)
    y, sums, errors = through_sink(
        device, variant, rng, encoding, sink, n_out, n_out, 4, inputs=inputs
    )

    wanted = gelu(sums) * inputs[own]
    bound = gelu_bound(sums, errors) * np.abs(inputs[own]) + sum_bound(np.abs(wanted), 1)
    assert np.all(np.abs(y - wanted) <= bound)


@on_devices()
@pytest.mark.parametrize("encoding", ["f32", "q4", "w2"])
def test_softcap_of_logits(device, variant, rng, encoding):
    cap, n_out = 30.0, 67

    sink = Sink("softcap", cap=cap)
    y, sums, errors = through_sink(device, variant, rng, encoding, sink, n_out, n_out, 200)

    assert np.abs(sums).max() > 10 * cap
    assert np.all(np.abs(y - cap * np.tanh(sums / cap)) <= softcap_bound(sums, cap, errors))

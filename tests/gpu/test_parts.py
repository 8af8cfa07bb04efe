"""Dispatches in parts: whatever is done in several submits is, bit for bit, what one does."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from gemtab.contracts.program import Buffer, Program, Slice
from gemtab.kernels.attend import Attend
from gemtab.kernels.attend_chunk import AttendChunk
from gemtab.kernels.ends import Grids, Sink, Source
from gemtab.kernels.heads import NO_WINDOW
from gemtab.kernels.matmul import FEW, Matmul
from gemtab.kernels.parts import parts_of
from gemtab.kernels.tuning import Tuning
from gemtab.kernels.variant import Variant
from helpers.attention import Case, blank, random_ring
from helpers.devices import on_devices
from helpers.dispatch import dispatch, state_words, unwritten
from helpers.encoded import random_matrix
from helpers.heads import random_norms, table

N_IN, N_OUT, FIRST, STRIDE, W_ROW = 64, 277, 5, 301, 3  # odd, and of more groups than parts
INTEGER_ROWS = Variant(integer_dot=True)
INTEGER_TILES = Variant(integer_dot=True, integer_tiles=True)
SECOND, THIRD = 64, 192  # where matrices with grids of their own begin: whole tiles


def rows(rng, encoding, tokens, kernel, **arrays):
    """A step over random weights, and its arrays."""
    planes, _ = random_matrix(rng, encoding, W_ROW + N_OUT, N_IN)
    x = rng.standard_normal((tokens, N_IN), np.float32)
    arrays |= planes | {"x": x, "y": unwritten(tokens, STRIDE)}
    if tokens > 1:
        arrays["state"] = state_words(0, tokens)
    return kernel.step(tokens, "", ()), arrays


def check(device, step, arrays, keys=0):
    whole = dispatch(device, step, **arrays)
    for in_parts in (3, 1000):
        found = dispatch(device, step, in_parts=in_parts, keys=keys, **arrays)
        for name, values in whole.items():
            if name != "carried":  # from part to part
                assert np.array_equal(found[name].view(np.uint32), values.view(np.uint32))


def attention(rng, case, kernel, planned, encoding):
    """A step of attention, and its arrays."""
    (k, _), (v, _) = (random_ring(rng, case, encoding) for _ in "kv")
    qkv = rng.standard_normal((planned, kernel.shape.stride), np.float32) * case.head_dim**-0.5
    arrays = {"qkv": qkv, "k": k, "v": v, "y": blank(case, planned)}
    return kernel.step(planned, "", ()), arrays | {"state": state_words(case.position, case.tokens)}


CHUNKS = {
    "tiles that end at other keys": Case(120, 23, NO_WINDOW, 157, 15, 3, 32),
    "parts that begin where a tile has ended": Case(62, 67, NO_WINDOW, 157, 4, 1, 24),
    "E2B's full heads": Case(230, 7, NO_WINDOW, 240, 8, 1, 512),
    "a window": Case(211, 37, 41, 107, 4, 2, 24),
}


@on_devices()
@pytest.mark.parametrize("case", CHUNKS.values(), ids=CHUNKS)
def test_keys_and_tiles_of_a_chunk(device, rng, case):
    planned = case.tokens + 5
    step, arrays = attention(rng, case, AttendChunk(case.shape("f32")), planned, "f32")
    arrays["carried"] = unwritten(planned, case.heads, 2)

    check(device, step, arrays, case.position + case.tokens)


@on_devices()
def test_splits_of_a_token(device, rng):
    case = Case(450, 1, NO_WINDOW, 461, 8, 1, 64, splits=4)
    kernel = Attend(case.shape("f32", owner=True), raw=True, splits=case.splits)
    step, arrays = attention(rng, case, kernel, 1, "f32")
    vectors, *_ = random_norms(rng, case.head_dim)

    check(device, step, arrays | {"vectors": vectors, "rope": table(case.head_dim)[2]})


def test_a_few_tokens(device, rng):
    case = Case(70, 3, NO_WINDOW, 79, 4, 2, 32)

    check(device, *attention(rng, case, Attend(case.shape("q8")), 3, "q8"))


@pytest.mark.parametrize("encoding", ["q4", "bf16"])
@pytest.mark.parametrize("tokens", [1, 11, FEW + 35])
def test_rows_of_a_matrix(device, rng, encoding, tokens):
    kernel = Matmul(encoding, N_IN, N_OUT, FIRST, STRIDE, W_ROW)

    check(device, *rows(rng, encoding, tokens, kernel))


@pytest.mark.parametrize(
    "form", [Variant(), INTEGER_ROWS, INTEGER_TILES], ids=["", "rows", "tiles"]
)
@pytest.mark.parametrize("tokens", [1, 11, FEW + 35])
def test_rows_of_matrices_with_grids_of_their_own(device, rng, form, tokens):
    grids = (Grids(0.02, 0.3), Grids(0.03, 0.2, SECOND), Grids(0.04, 0.1, THIRD))
    kernel = Matmul("w4", N_IN, N_OUT, FIRST, STRIDE, W_ROW, form, grids)

    check(device, *rows(rng, "w4", tokens, kernel))


@on_devices()
@pytest.mark.parametrize(
    "sink", [Sink("softcap", cap=3.0), Sink("ple", first_input=7)], ids=["cap", "ple"]
)
def test_rows_between_a_stream_and_what_comes_after(device, rng, sink):
    source = Source("stream", 1e-6, norm=0, post_norm=16, scalar=32)
    kernel = Matmul("q4", N_IN, N_OUT, FIRST, STRIDE, W_ROW, source=source, sink=sink)
    vectors = rng.uniform(0.5, 1.5, 4 * 48).astype(np.float32)
    branch, inputs = rng.standard_normal(N_IN, np.float32), rng.standard_normal(400, np.float32)
    more = {"branch": branch, "vectors": vectors, "next": unwritten(N_IN), "inputs": inputs}

    check(device, *rows(rng, "q4", 1, kernel, **more))


@pytest.mark.parametrize("tokens", [1, 5, FEW + 3])
def test_tuned_sizes(device, rng, tokens):
    variant = Variant(tuning=Tuning(part=32, tile_rows=32))

    check(
        device, *rows(rng, "q4", tokens, Matmul("q4", N_IN, N_OUT, FIRST, STRIDE, W_ROW, variant))
    )


def test_what_is_one_group_or_a_gate_stays_whole():
    few = Matmul("q4", N_IN, 7).step(1, "", ())
    gated = Matmul("q4", N_IN, N_OUT, source=Source("stream"), sink=Sink("gated")).step(1, "", ())

    assert [parts_of(0, step, 9, 0) for step in (few, gated)] == [[], []]


@on_devices()
def test_the_words_of_a_part_are_gone_after_it(device, rng):
    """Steps that share a record: a part of the first, then both whole."""
    planes, _ = random_matrix(rng, "f32", N_OUT, N_IN)
    x = rng.standard_normal((1, N_IN), np.float32)
    step = Matmul("f32", N_IN, N_OUT).step(1, "", ())
    whole = dispatch(device, step, x=x, y=unwritten(N_OUT), **planes)["y"]
    device.create(Buffer("z", 4 * N_OUT))
    x_slice, y_slice, w_slice = (
        Slice(name, 0, size)
        for name, size in (("x", 4 * N_IN), ("y", 4 * N_OUT), ("values", 4 * N_OUT * N_IN))
    )
    steps = [
        replace(step, slices=(x_slice, y, w_slice)) for y in (y_slice, Slice("z", 0, 4 * N_OUT))
    ]
    program = Program("shared", 1, (), tuple(steps))

    async def run():
        await device.prepare(program)
        await device.replay_part("shared", parts_of(1, steps[1], 2, 0)[1])
        return await device.replay("shared", 1, Slice("z", 0, 4 * N_OUT))

    assert np.array_equal(np.frombuffer(asyncio.run(run()), np.float32), whole)


@on_devices()
def test_a_program_follows_a_buffer_that_grows(device, rng):
    """As in the page: what is written after it has grown is what the program reads."""
    planes, weights = random_matrix(rng, "f32", 8, 4)
    step = Matmul("f32", 4, 8).step(1, "", ())
    dispatch(device, step, x=unwritten(4), y=unwritten(8), **planes)  # prepares the program "test"
    x = rng.standard_normal(4, np.float32)

    for name, size in (("x", 1 << 16), ("y", 1 << 17)):
        device.create(Buffer(name, size))
    device.write("x", 0, x.tobytes())
    data = asyncio.run(device.replay("test", 1, Slice("y", 0, 32)))

    assert np.allclose(np.frombuffer(data, np.float32), weights @ x, rtol=1e-5)

"""The search for scales: never worse than the plain rule, near the best there is, exact on a grid."""

import numpy as np
import pytest

from gemtab_build.weights import scale_search
from gemtab_build.weights.quantize import decode, encode

BLOCK = 32
ENDS = {"q4": (-8, 7), "q8": (-127, 127)}
KINDS = {
    "even": lambda rng, shape: rng.uniform(-1, 1, shape),
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "heavy tails": lambda rng, shape: rng.standard_t(3, shape),
    "lone giants": lambda rng, shape: rng.standard_normal(shape) * (1 + 1e3 * (rng.random(shape) < 0.01)),
    "scales that f16 barely holds": lambda rng, shape: rng.standard_normal(shape) * 2e-6,
    "values too small for any scale": lambda rng, shape: rng.standard_normal(shape) * 1e-39,
    "few of many": lambda rng, shape: rng.standard_normal(shape) * (rng.random(shape) < 0.1),
}  # fmt: skip


def round_trip(values, encoding, **how):
    return decode(encode(values, encoding, **how), encoding, *values.shape)


def losses(values, kept, importance=1.0):
    """The weighted squared error of each block, f64 [rows, blocks]."""
    errors = importance * (values.astype(np.float64) - kept) ** 2
    return errors.reshape(len(values), -1, BLOCK).sum(axis=2)


def uneven(rng, width):
    return np.exp(1.5 * rng.standard_normal(width)).astype(np.float32)


@pytest.mark.parametrize("encoding", ["q4", "q8"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weighted", [False, True])
def test_no_block_loses_more_than_by_the_plain_rule(rng, encoding, kind, weighted):
    values = KINDS[kind](rng, (43, 5 * BLOCK)).astype(np.float32)
    importance = uneven(rng, 5 * BLOCK) if weighted else None
    weights = 1.0 if importance is None else importance.astype(np.float64)
    found = round_trip(values, encoding, search=True, importance=importance)
    plain = round_trip(values, encoding)
    assert (losses(values, found, weights) <= losses(values, plain, weights)).all()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", ["even", "normal", "heavy tails", "lone giants"])
def test_q4_loses_hardly_more_than_with_the_best_scales_there_are(rng, kind, weighted):
    values = KINDS[kind](rng, (97, BLOCK)).astype(np.float32)
    importance = uneven(rng, BLOCK) if weighted else np.ones(BLOCK, np.float32)
    found = losses(values, round_trip(values, "q4", search=True, importance=importance), importance)
    best = np.array([least_loss(row, importance.astype(np.float64)) for row in values])
    rounding = 2.0**-22 * (importance * values.astype(np.float64) ** 2).sum(axis=1)  # of f16 scales
    assert (found[:, 0] >= best * (1 - 1e-9)).all()
    assert found.sum() <= 1.005 * best.sum() + rounding.sum()


def least_loss(x, w):
    """The least that any real scale loses: at the inverse scales where a code steps, all of them."""
    total, least = (w * x.astype(np.float64) ** 2).sum(), np.inf
    for signed in (x.astype(np.float64), -x.astype(np.float64)):
        steps = []  # inverse scale from which on a value takes one code more, its part of the sums
        for value, weight in zip(signed, w, strict=True):
            for code in range(7 if value > 0 else 8):
                steps.append(
                    ((code + 0.5) / abs(value), weight * abs(value), weight * (2 * code + 1))
                )
        _, along, square = np.array(sorted(steps)).T
        least = min(least, total - (np.cumsum(along) ** 2 / np.cumsum(square)).max())
    return max(least, 0.0)


@pytest.mark.parametrize(("encoding", "share"), [("q4", 0.11), ("q8", 0.22)])
def test_normal_values_lose_less_by_this_share(rng, encoding, share):
    values = rng.standard_normal((257, 5 * BLOCK)).astype(np.float32)
    found = losses(values, round_trip(values, encoding, search=True)).sum()
    assert found <= (1 - share) * losses(values, round_trip(values, encoding)).sum()


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("largest", range(-8, 8))
def test_values_on_the_grid_come_back_exactly(rng, largest, sign):
    codes = grid_codes(rng, largest)
    scales = (sign * rng.uniform(1e-4, 0.1, (11, 3, 1))).astype(np.float16).astype(np.float32)
    values = (codes * scales).reshape(11, -1)
    values[5] = rng.standard_normal(3 * BLOCK)  # neighbours off the grid do not matter
    for encoding in ("q4", "q8"):
        found = round_trip(values, encoding, search=True)
        assert np.array_equal(np.delete(found, 5, 0), np.delete(values, 5, 0))


@pytest.mark.parametrize("largest", [-8, -7, -5, 5, 7])
def test_codes_and_scales_on_the_grid_are_found_again(rng, largest):
    codes = grid_codes(rng, largest)
    scales = rng.uniform(1e-4, 0.1, (11, 3, 1)).astype(np.float16)
    planes = encode((codes * scales.astype(np.float32)).reshape(11, -1), "q4", search=True)
    packed = (codes + 8).astype(np.uint8).reshape(11, -1)
    assert planes["codes"][: packed.size // 2] == (packed[:, ::2] | packed[:, 1::2] << 4).tobytes()
    assert planes["scales"][: scales.nbytes] == scales.tobytes()


def grid_codes(rng, largest):
    """Codes [11, 3, BLOCK], none of a larger magnitude than `largest`, which is in every block."""
    below = max(abs(largest) - 1, 0)
    codes = rng.integers(-below, below + 1, (11, 3, BLOCK))
    codes[..., 7] = largest
    if abs(largest) > 1:
        codes[..., 19] = 1  # so that no coarser grid holds them all
    return codes.astype(np.float32)


def test_a_grid_that_bf16_has_blurred_is_found_again(rng):
    codes = rng.integers(-8, 8, (31, 4, BLOCK)).astype(np.float32)
    scales = rng.uniform(1e-3, 0.1, (31, 4, 1)).astype(np.float16).astype(np.float32)
    meant = (codes * scales).reshape(31, -1)
    blurred = meant.view(np.uint32) + 0x7FFF + (meant.view(np.uint32) >> 16 & 1) & 0xFFFF0000
    values = blurred.astype(np.uint32).view(np.float32)
    found, plain = round_trip(values, "q4", search=True), round_trip(values, "q4")
    assert losses(meant, found).sum() < 0.1 * losses(meant, plain).sum()
    assert np.array_equal(found == 0, meant == 0)


def test_importance_lowers_the_error_of_outputs(rng):
    matrix = rng.standard_normal((61, 5 * BLOCK)).astype(np.float32)
    inputs = rng.standard_normal((401, 5 * BLOCK)) * np.sqrt(uneven(rng, 5 * BLOCK))
    importance = (inputs[:200] ** 2).mean(axis=0).astype(np.float32)
    unseen = inputs[200:]

    def output_error(**how):
        return float((((round_trip(matrix, "q4", **how) - matrix) @ unseen.T) ** 2).sum())

    alike = output_error(search=True)
    assert alike < 0.95 * output_error()
    assert output_error(search=True, importance=importance) < 0.85 * alike


def test_columns_of_no_importance_cost_nothing(rng):
    values = rng.standard_normal((7, 2 * BLOCK)).astype(np.float32)
    importance = np.zeros(2 * BLOCK, np.float32)
    importance[3] = 2
    found = round_trip(values, "q4", search=True, importance=importance)
    assert np.abs(found - values)[:, 3].max() <= 2.0**-11 * np.abs(values[:, 3]).max()
    assert np.array_equal(found[:, BLOCK:], round_trip(values, "q4")[:, BLOCK:])


def test_rows_do_not_depend_on_their_neighbours(rng, monkeypatch):
    values = rng.standard_normal((24, 5 * BLOCK)).astype(np.float32)
    importance = uneven(rng, 5 * BLOCK)
    whole = round_trip(values, "q4", search=True, importance=importance)
    monkeypatch.setattr(scale_search, "CHUNK_BLOCKS", 11)
    parts = [
        round_trip(values[i : i + 8], "q4", search=True, importance=importance) for i in (0, 8, 16)
    ]
    assert np.array_equal(np.concatenate(parts), whole)

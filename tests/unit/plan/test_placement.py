"""Where tensors lie: alone, in parts under a binding's limit, and together with others."""

import numpy as np
import pytest

from gemtab.contracts.errors import DeviceError
from gemtab.contracts.manifest import Tensor
from gemtab.contracts.placement import ALIGNMENT, VECTORS, place
from gemtab.contracts.quantization import planes

ROOMY = 1 << 40
QKV = {"layers.3.q": 96, "layers.3.k": 40, "layers.3.v": 24}  # rows
GATE_UP = {"layers.3.gate": 36, "layers.3.up": 36}


def matrices(rows, encoding, width=160):
    return {name: Tensor((count, width), encoding, ()) for name, count in rows.items()}


def buffers(placed):
    """The names of the buffers that hold some tensors."""
    return {
        where.buffer for parts in placed.values() for part in parts for _, where in part.buffers
    }


@pytest.mark.parametrize("encoding", ["f32", "f16", "q8", "q4"])
def test_parts_cover_every_row_once_and_begin_on_words(encoding):
    tensor = Tensor((1031, 160), encoding, ())
    (parts,) = place({"t": tensor}, 9000).values()

    assert [part.first_row for part in parts] == list(
        np.cumsum([0, *(part.rows for part in parts)])[:-1]
    )
    assert sum(part.rows for part in parts) == 1031
    for part in parts:
        for plane in planes(encoding, 160):
            assert part.first_row * plane.bits_per_row % 32 == 0
        assert all(where.bytes <= 9000 for _, where in part.buffers)


def test_a_binding_too_small_for_a_row_is_refused_by_name():
    with pytest.raises(DeviceError, match=r"rows of wide take .* binds at most 1024"):
        place({"wide": Tensor((100, 4096), "f32", ())}, 1024)


@pytest.mark.parametrize("rows", [QKV, GATE_UP], ids=["qkv", "gate_up"])
@pytest.mark.parametrize("encoding", ["f32", "f16", "q8", "q4", "w8", "w4", "w2"])
def test_matrices_of_the_same_input_lie_row_after_row(encoding, rows):
    layout = planes(encoding, 160)
    group = "layers.3.qkv" if rows is QKV else "layers.3.gate_up"

    placed = place(
        matrices(rows, encoding), max(plane.bytes(sum(rows.values())) for plane in layout)
    )

    first = 0
    for name, count in rows.items():
        (part,) = placed[name]
        assert (part.first_row, part.rows) == (0, count)
        for plane, (kind, where) in zip(layout, part.buffers, strict=True):
            assert (kind, where.buffer) == (plane.name, f"{group}.{plane.name}")
            assert (where.offset, where.bytes) == (plane.bytes(first), plane.bytes(count))
        first += count


@pytest.mark.parametrize("encoding", ["f32", "f16", "q8", "q4"])
def test_a_byte_short_of_all_rows_leaves_them_apart(encoding):
    whole = max(plane.bytes(sum(QKV.values())) for plane in planes(encoding, 160))

    placed = place(matrices(QKV, encoding), whole - 1)

    assert len(buffers(placed)) == len(QKV) * len(planes(encoding, 160))
    assert all(part.rows == QKV[name] for name, (part,) in placed.items())


APART = {
    "an encoding of its own": matrices(QKV, "q4") | matrices({"layers.3.k": 40}, "q8"),
    "rows of scales that end within a word": matrices(QKV | {"layers.3.q": 97}, "q4"),
    "the same in q8": matrices(GATE_UP | {"layers.3.gate": 37}, "q8"),
    "a part of the group": matrices(
        {name: QKV[name] for name in ("layers.3.q", "layers.3.k")}, "q4"
    ),
    "parts of different layers": matrices(
        {"layers.3.gate": 36, "layers.4.up": 36, "layers.4.q": 8}, "q4"
    ),
}


@pytest.mark.parametrize("tensors", APART.values(), ids=APART)
def test_what_does_not_fit_together_lies_apart(tensors):
    placed = place(tensors, ROOMY)

    assert all(
        where.buffer == f"{name}.{plane}.0" and where.offset == 0
        for name, (part,) in placed.items()
        for plane, where in part.buffers
    )


def test_nothing_lies_together_where_that_is_not_wanted():
    tensors = matrices(QKV | GATE_UP, "q4")

    assert len(buffers(place(tensors, ROOMY, together=False))) == 2 * len(tensors)
    assert len(buffers(place(tensors, ROOMY))) == 2 * 2


def test_vectors_share_a_buffer_and_begin_where_a_binding_may():
    sizes = {"final_norm": (160,), "layers.3.scalar": (1,), "layers.3.q_norm": (64,), "wide": (97,)}
    tensors = {name: Tensor(shape, "f32", ()) for name, shape in sizes.items()}

    placed = place(tensors | matrices(QKV, "q4"), ROOMY)

    end = 0
    for name, (count,) in sizes.items():
        ((kind, where),) = placed[name][0].buffers
        assert (kind, where.buffer, where.bytes) == ("values", VECTORS, 4 * count)
        assert where.offset % ALIGNMENT == 0
        assert where.offset >= end
        end = where.offset + where.bytes
    assert list(placed) == [*sizes, *QKV]

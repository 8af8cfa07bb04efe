"""The units that a trial's slots are filled with, and the answers laid over what they have become."""

import struct
from base64 import b64decode
from collections.abc import Sequence
from functools import cache
from hashlib import shake_128

from gemtab.contracts.trial import Answer, Input

FORMATS = {"f32": "f", "f16": "e", "i8": "b", "u32": "I"}
VALUE_BYTES = {"f32": 4, "f16": 2, "i8": 1, "u32": 4}
MIDDLE = 128  # of the bytes


def unit_of(one: Input) -> bytes:
    """What a slot repeats."""
    given = b64decode(one.given)
    if not one.count:
        return given
    drawn = _drawn(one.kind, one.count, one.seed, one.step, one.middle)
    if not given:
        return drawn
    starts = range(0, len(drawn), one.row)
    return b"".join(drawn[at : at + one.row - len(given)] + given for at in starts)


def content_of(one: Input) -> bytes:
    """A slot's bytes."""
    unit = unit_of(one)
    return (unit * -(-one.bytes // len(unit)))[: one.bytes]


@cache  # kernels of a template share theirs
def _drawn(kind: str, count: int, seed: int, step: float, middle: float) -> bytes:
    """`count` values, -128 to 127 steps from the middle each; of u8 the bytes themselves."""
    drawn = shake_128(seed.to_bytes(4, "little")).digest(count)
    return drawn if kind == "u8" else b"".join(map(_table(kind, step, middle).__getitem__, drawn))


@cache
def _table(kind: str, step: float, middle: float) -> list[bytes]:
    """A byte's value, for each of them."""
    values = [middle + (byte - MIDDLE) * step for byte in range(256)]
    if kind == "bf16":  # the upper half of an f32
        return [struct.pack("<f", value)[2:] for value in values]
    return [struct.pack(f"<{FORMATS[kind]}", value) for value in values]


def start_and_end(answer: Answer) -> tuple[int, int]:
    """The bytes of a slot that an answer tells of, as whole words: the first, and the one behind the last."""
    size = VALUE_BYTES[answer.kind]
    end = size * _places(answer, answer.lines - 1).stop
    return size * answer.first // 4 * 4, -(-end // 4) * 4


def is_right(answer: Answer, data: bytes) -> bool:
    """Whether `data`, what the slot holds there after the run, has the answer's values."""
    form, size = FORMATS[answer.kind], VALUE_BYTES[answer.kind]
    found = struct.unpack(f"<{len(data) // size}{form}", data)
    wanted = _lines(answer)
    before = start_and_end(answer)[0] // size
    spans = (_places(answer, line, before) for line in range(answer.lines))
    return all(
        _close(found[span], wanted[line % len(wanted)], answer.within)
        for line, span in enumerate(spans)
    )


def _places(answer: Answer, line: int, before: int = 0) -> slice:
    """Those of a line among values of which so many are left out before the first."""
    first = answer.first + line * answer.pitch - before
    return slice(first, first + (answer.count - 1) * answer.step + 1, answer.step)


def _lines(answer: Answer) -> list[Sequence[float]]:
    """The lines of values, each as long as the answer's places."""
    data = b64decode(answer.values)
    all_values = struct.unpack(f"<{len(data) // 4}{'I' if answer.kind == 'u32' else 'f'}", data)
    starts = range(0, len(all_values), answer.period)
    lines = (all_values[at : at + answer.period] for at in starts)
    return [(line * -(-answer.count // answer.period))[: answer.count] for line in lines]


def _close(found: Sequence[float], wanted: Sequence[float], within: float) -> bool:
    """Whether each is as it should be; what is not a number never is."""
    errors = [abs(one - other) for one, other in zip(found, wanted, strict=False)]
    return len(found) == len(wanted) and max(errors) <= within and sum(errors) < float("inf")

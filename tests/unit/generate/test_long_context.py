"""E2B's passes at up to 128K of context, on devices by a clock: no submit takes long, at whatever speed."""

import pytest

from gemtab.contracts.speed import UNKNOWN, Speed
from helpers.sized_engine import reply_at, sized_engine
from helpers.slow_device import Pretended

LONGEST = {
    True: 0.15,
    False: 0.2,
}  # seconds, where the speed is known and where it is yet to show: 0.1 is aimed at
POSITIONS = (0, 4096, 32768, 100_000, 130_000)
SPEEDS = {
    "software": Pretended(1e10, 5e9, 4e9),
    "1 T": Pretended(1e12, 5e11, 5e10),
    "5 T": Pretended(5e12, 1.3e12, 2e11),
    "20 T": Pretended(20e12, 10e12, 8e11),
}


@pytest.mark.parametrize("speed", SPEEDS.values(), ids=SPEEDS)
@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_no_submit_takes_long(speed, known):
    engine, slow = sized_engine(speed, Speed(speed.matrices, speed.bytes) if known else UNKNOWN)

    longest = {}
    for position in POSITIONS:
        slow.submits.clear()
        reply_at(engine, position, 1000)
        longest[position] = max(seconds for _, seconds in slow.submits)

    assert max(longest.values()) <= LONGEST[known], longest


def test_chunks_get_shorter_as_the_context_grows():
    engine, slow = sized_engine(SPEEDS["20 T"], Speed(20e12, 8e11))

    def chunks(position):
        slow.submits.clear()
        reply_at(engine, position, 1025)
        return [name for name, _ in slow.submits if name != "decode"]

    assert chunks(0) == ["prefill-512"] * 2
    chunks(130_000)  # shows how slow attention is
    assert chunks(130_000) == ["prefill-256"] * 4

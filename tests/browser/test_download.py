"""web/engine/load/download.js in a worker: order, ranges, the budget, and a network that fails."""

import pytest

from browser.load_tab import Tab, source
from browser.piece_server import (
    Pieces,
    cut,
    serve_pieces,
    short,
    stall,
    status,
    without_ranges,
    wrong,
)

pytestmark = pytest.mark.browser

CONTENT = [bytes((n + i * i) % 251 for i in range(1009 + n)) for n in range(8)]
SUMS = [sum(content) for content in CONTENT]


@pytest.fixture
def sources(pieces: Pieces) -> list[dict]:
    """Eight small files, each a source."""
    pieces.files = {f"{n}.bin": content for n, content in enumerate(CONTENT)}
    return [source(f"{n}.bin", content) for n, content in enumerate(CONTENT)]


def ranges_of(pieces: Pieces, name: str) -> list[str | None]:
    """The Range headers of the requests for a file."""
    return [wanted for asked, wanted in pieces.asked if asked == name]


def test_sources_come_whole_and_in_any_order(tab: Tab, sources):
    found = tab.load(sources, order=[7, 0, 1, 2, 3, 4, 5, 6])

    assert found["error"] is None
    assert found["sums"] == [SUMS[7], *SUMS[:7]]
    assert found["progress"] == [sum(map(len, CONTENT))] * 2
    assert tab.kept() == {one["sha256"]: one["bytes"] for one in sources}


@pytest.mark.parametrize("order", [range(8), range(7, -1, -1)], ids=["in order", "backwards"])
def test_no_more_is_held_than_the_budget(tab: Tab, sources, order):
    found = tab.load(sources, order=list(order), budget=3000)

    assert found["sums"] == [SUMS[index] for index in order]
    assert 0 < found["mostHeld"] <= 3000


def test_sources_taken_together_wait_for_room(tab: Tab, sources):
    found = tab.load(sources, budget=3000, together=True)

    assert found["sums"] == SUMS
    assert 0 < found["mostHeld"] <= 3000


def test_sources_that_nobody_takes_stand_in_nobodys_way(tab: Tab, sources):
    assert tab.load(sources, order=[7], budget=3000)["sums"] == [SUMS[7]]


def test_ranges_of_one_file(tab: Tab, pieces: Pieces):
    pieces.files["file"] = CONTENT[0]
    parts = [source("file", CONTENT[0], 0, 100), source("file", CONTENT[0], 100, 500)]

    found = tab.load(parts)

    assert found["sums"] == [sum(CONTENT[0][:100]), sum(CONTENT[0][100:600])]
    assert sorted(pieces.asked) == [("file", "bytes=0-99"), ("file", "bytes=100-599")]


def test_ranges_of_a_file_on_another_host(tab: Tab):
    with serve_pieces() as other:
        other.files["file"] = CONTENT[0]
        url = other.address + "pieces/file"
        parts = [source(url, CONTENT[0], 0, 100), source(url, CONTENT[0], 100, 500)]

        found = tab.load(parts)

        assert found["sums"] == [sum(CONTENT[0][:100]), sum(CONTENT[0][100:600])]
        assert sorted(other.asked) == [("file", "bytes=0-99"), ("file", "bytes=100-599")]


def test_the_start_of_a_longer_file(tab: Tab, pieces: Pieces):
    pieces.files["file"] = CONTENT[0]

    assert tab.load([source("file", CONTENT[0], 0, 100)])["sums"] == [sum(CONTENT[0][:100])]


def test_a_server_without_ranges_is_named(tab: Tab, pieces: Pieces):
    pieces.files["file"] = CONTENT[0]
    pieces.faults["file"] = [without_ranges]

    found = tab.load([source("file", CONTENT[0], 100, 100)])

    assert "pieces/file: the server does not serve byte ranges" in found["error"]


def test_a_missing_file_is_told_at_once(tab: Tab, pieces: Pieces, sources):
    del pieces.files["1.bin"]

    found = tab.load(sources, order=[7, 6, 5, 4, 3, 2, 1, 0])

    assert "DownloadError" in found["error"]
    assert "pieces/1.bin could not be fetched: the server answered 404" in found["error"]
    assert len(ranges_of(pieces, "1.bin")) == 1


def test_passing_failures_are_tried_again(tab: Tab, pieces: Pieces, sources):
    pieces.faults = {"0.bin": [status(500), cut(0)], "1.bin": [status(429), cut(400)]}

    assert tab.load(sources)["sums"] == SUMS


def test_failures_that_last_are_told(tab: Tab, pieces: Pieces, sources):
    pieces.faults["0.bin"] = [status(503)] * 9

    found = tab.load(sources)

    assert "pieces/0.bin could not be fetched: the server answered 503" in found["error"]
    assert len(ranges_of(pieces, "0.bin")) == 3


def test_a_broken_off_body_goes_on_where_it_broke(tab: Tab, pieces: Pieces, sources):
    pieces.faults["0.bin"] = [short(400)]

    found = tab.load(sources)

    assert found["sums"] == SUMS
    assert ranges_of(pieces, "0.bin") == [None, "bytes=400-1008"]


def test_a_broken_off_body_starts_over_where_there_are_no_ranges(tab: Tab, pieces: Pieces, sources):
    pieces.faults["0.bin"] = [short(400), without_ranges]

    found = tab.load(sources)

    assert found["sums"] == SUMS
    assert found["progress"] == [sum(map(len, CONTENT))] * 2


def test_a_file_that_is_too_short_is_named(tab: Tab, pieces: Pieces, sources):
    pieces.files["0.bin"] = CONTENT[0][:1000]

    assert "pieces/0.bin has the wrong length" in tab.load(sources)["error"]


def test_wrong_bytes_are_fetched_again_past_the_cache(tab: Tab, pieces: Pieces, sources):
    pieces.faults["0.bin"] = [wrong]

    found = tab.load(sources)

    assert found["sums"] == SUMS
    assert found["progress"] == [sum(map(len, CONTENT))] * 2


def test_a_file_of_wrong_bytes_is_named_and_not_kept(tab: Tab, pieces: Pieces, sources):
    pieces.faults["0.bin"] = [wrong, wrong]

    found = tab.load(sources, order=[0])

    assert "pieces/0.bin is damaged: its SHA-256" in found["error"]
    assert sources[0]["sha256"] not in tab.kept()


def test_a_stalled_connection_is_given_up_and_tried_again(tab: Tab, pieces: Pieces, sources):
    pieces.faults = {"0.bin": [stall(400)], "1.bin": [stall(0)]}

    found = tab.load(sources, stallMs=500)

    assert found["sums"] == SUMS
    assert ranges_of(pieces, "0.bin") == [None, "bytes=400-1008"]


def test_loading_waits_while_offline(tab: Tab, pieces: Pieces, sources):
    tab.load(sources[1:])
    pieces.asked.clear()
    pieces.faults["0.bin"] = [stall(400), *[stall(0)] * 99]
    tab.begin(sources, stallMs=100, retries=99)
    tab.wait_until("news.progress[0] > 0")

    tab.page.context.set_offline(True)
    tab.wait_until("news.notes.at(-1)?.includes('connection is gone')")
    del pieces.faults["0.bin"]
    tab.page.context.set_offline(False)

    found = tab.end()
    assert found["sums"] == SUMS
    assert found["notes"][-1] is None
    assert {name for name, _ in pieces.asked} == {"0.bin"}

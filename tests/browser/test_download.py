"""web/engine/load/download.js in a worker: order, ranges, the budget, and a network that fails."""

import pytest

from browser.load_tab import Tab, source
from browser.piece_server import (
    Pieces,
    compressed,
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


def test_a_server_that_hangs_is_told_until_it_goes_on(tab: Tab, pieces: Pieces, sources):
    pieces.faults = {name: [stall(0)] for name in pieces.files}
    tab.begin(sources, quietMs=20, retries=99)
    tab.wait_until("news.notes.at(-1)?.startsWith('Waiting for the server, no bytes for ')")
    pieces.closing.set()  # every connection that hung breaks off

    found = tab.end()

    assert found["sums"] == SUMS
    assert found["notes"][-1] is None


@pytest.mark.chromium_only("no network and no browser takes part")
def test_one_connection_that_hangs_beside_others_is_not_told(tab: Tab):
    waits = """async () => {
      const { Waits } = await import("/engine/load/patience.js");
      const told = [];
      const waits = new Waits((note, detail) => told.push(note && `${note}, ${detail}`));
      const [one, other] = [waits.open(), waits.open()];
      one.tell("Waiting", "9 s");
      other.tell("Waiting", "5 s");
      one.tell("Waiting", "10 s");
      other.tell(null);
      one.tell("Waiting", "11 s");
      other.end();
      one.end();
      return told; }"""

    assert tab.page.evaluate(waits) == ["Waiting, 5 s", "Waiting, 5 s", None, "Waiting, 11 s", None]


@pytest.mark.chromium_only("no network and no browser takes part")
def test_a_server_that_refuses_is_asked_again_for_minutes_if_gigabytes_are_at_stake(tab: Tab):
    pauses = """async (bytes) => {
      const { patienceFor } = await import("/engine/load/patience.js");
      const { fetchRange } = await import("/engine/load/fetch-range.js");
      let paused = 0;
      const told = [];
      const later = setTimeout;
      window.fetch = async () => { throw new TypeError("refused"); };
      const { pauseMs, mostPauseMs } = patienceFor(bytes); // what is shorter waits for word of the page's policy
      window.setTimeout = (act, ms) => {
        if (ms >= pauseMs && ms <= mostPauseMs) paused += ms;
        return later(act, ms <= mostPauseMs ? 0 : ms);
      };
      const source = { url: "https://a.test/a", offset: 0, bytes: 9, sha256: "" };
      const patience = { ...patienceFor(bytes), stallMs: 60_000, quietMs: 0 };
      const onNote = (note, detail) => told.push(`${note} ${detail}`);
      const error = await fetchRange(source, { patience, onNote }).catch((error) => error.message);
      window.setTimeout = later;
      return { paused, error, told }; }"""

    large, small = (tab.page.evaluate(pauses, size) for size in (2_000_000_000, 1_500_000))

    assert 4 * 60_000 < large["paused"] < 10 * 60_000
    assert small["paused"] == 7500
    assert "the server cannot be reached (refused). Check the connection" in small["error"]
    assert "The server cannot be reached (refused). Trying again in 15\u00a0s" in large["told"]


@pytest.mark.chromium_only("no network and no browser takes part")
def test_what_is_told_follows_the_clock(tab: Tab):
    tab.page.clock.install(time=0)
    tab.page.clock.pause_at(1000)
    begin = """async () => {
      const { Quiet } = await import("/engine/load/patience.js");
      window.told = [];
      window.quiet = new Quiet(5000, (note, detail) => told.push([note, detail])); }"""
    tab.page.evaluate(begin)
    tab.page.clock.run_for(4900)
    assert tab.page.evaluate("told") == []

    tab.page.clock.run_for(7100)
    assert tab.page.evaluate("told.at(-1)") == ["Waiting for the server", "no bytes for 12\u00a0s"]
    tab.page.evaluate("quiet.pausing('The server answered 503', 8000)")
    tab.page.clock.run_for(3000)
    assert tab.page.evaluate("told.at(-1)") == [
        "The server answered 503. Trying again",
        "in 5\u00a0s",
    ]
    tab.page.evaluate("quiet.asking()")
    assert tab.page.evaluate("told.at(-1)")[1] == "no bytes for 15\u00a0s"
    tab.page.evaluate("quiet.moved()")
    assert tab.page.evaluate("told.at(-1)") == [None, None]
    count = tab.page.evaluate("(quiet.end(), told.length)")
    tab.page.clock.run_for(60_000)
    assert tab.page.evaluate("told.length") == count


def test_a_download_can_be_stopped_in_a_pause(tab: Tab, pieces: Pieces, sources):
    pieces.faults["0.bin"] = [status(503)] * 9
    tab.begin(sources[:1], quietMs=0, pauseMs=3_600_000, mostPauseMs=3_600_000)
    tab.wait_until("news.notes.at(-1)?.includes('The server answered 503. Trying again, in 3600')")

    tab.page.evaluate("worker.postMessage({ type: 'cancel' })")

    assert tab.end()["error"] == "Error: Cancelled"


@pytest.mark.chromium_only("no network and no browser takes part")
def test_no_more_than_six_requests_are_under_way_and_the_urgent_come_first(tab: Tab):
    lanes = """async () => {
      const { Lanes } = await import("/engine/load/lanes.js");
      const lanes = new Lanes();
      let [now, most] = [0, 0];
      const begun = [], ends = [];
      const task = (name) => async () => {
        begun.push(name);
        most = Math.max(most, ++now);
        await new Promise((end) => ends.push(end));
        now--;
        if (name === 3) throw new Error("its own");
      };
      const all = [];
      for (let n = 0; n < 9; n++) all.push(lanes.run(task(n)).catch((error) => error.message));
      all.push(lanes.run(task("urgent"), { urgent: true }));
      while (begun.length < 10 || now) { ends.shift()?.(); await null; }
      return { most, begun, ends: await Promise.all(all) }; }"""

    found = tab.page.evaluate(lanes)

    assert found["most"] == 6
    assert found["begun"] == [0, 1, 2, 3, 4, 5, "urgent", 6, 7, 8]
    assert found["ends"][3] == "its own"


def test_progress_counts_the_bytes_of_the_file_where_the_server_compresses(tab: Tab, pieces):
    content = bytes(range(256)) * 300
    pieces.files = {"a.bin": content}
    pieces.faults["a.bin"] = [compressed(None), compressed(200), compressed(None)]
    sources = [source("a.bin", content)]

    assert tab.load(sources)["progress"] == [len(content)] * 2
    tab.models("forget()")
    found = tab.load(sources)

    assert found["sums"] == [sum(content)]
    assert found["progress"] == [len(content)] * 2
    assert ranges_of(pieces, "a.bin")[:2] == [None, None]


@pytest.mark.chromium_only("Firefox's workers stay online when Playwright takes the page offline")
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

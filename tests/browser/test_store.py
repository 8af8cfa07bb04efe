"""Pieces that the browser keeps (web/engine/store/store.js): over visits, tabs, damage, full disks, new versions."""

import json

import pytest

from browser.load_tab import Tab, source
from browser.piece_server import Pieces, stall, without_ranges, wrong

pytestmark = pytest.mark.browser

CONTENT = [bytes((n + i * i) % 251 for i in range(1009 + n)) for n in range(8)]
SUMS = [sum(content) for content in CONTENT]


@pytest.fixture
def sources(pieces: Pieces) -> list[dict]:
    """Eight small files, each a source."""
    pieces.files = {f"{n}.bin": content for n, content in enumerate(CONTENT)}
    return [source(f"{n}.bin", content) for n, content in enumerate(CONTENT)]


def manifest(sources: list[dict]) -> str:
    """A manifest, as far as JavaScript reads it."""
    return json.dumps({"model": "toy", "sources": sources, "files": {}})


def remember(url: str, sources: list[dict]) -> str:
    """The call that notes a model."""
    return f"remember({url!r}, {manifest(sources)!r})"


def test_a_second_visit_fetches_nothing(context, tab: Tab, pieces: Pieces, sources):
    tab.load(sources)
    tab.page.close()
    pieces.asked.clear()

    found = Tab(context, pieces).load(sources)

    assert found["sums"] == SUMS
    assert pieces.asked == []


def test_a_tab_closed_halfway_leaves_what_has_come(context, tab: Tab, pieces: Pieces, sources):
    pieces.faults["3.bin"] = [stall(400)]
    tab.begin(sources)
    tab.wait_until_kept([one["sha256"] for one in sources[:3] + sources[4:]])
    tab.page.close()
    pieces.asked.clear()

    found = Tab(context, pieces).load(sources)

    assert found["sums"] == SUMS
    assert found["progress"] == [sum(map(len, CONTENT))] * 2
    assert pieces.asked == [("3.bin", "bytes=400-1011")]


def test_cancelling_keeps_what_has_come(tab: Tab, pieces: Pieces, sources):
    pieces.faults["3.bin"] = [stall(400)]
    tab.begin(sources)
    tab.wait_until_kept([one["sha256"] for one in sources[:3] + sources[4:]])

    tab.page.evaluate("worker.postMessage({ type: 'cancel' })")

    assert tab.end()["error"] == "Error: Cancelled"
    pieces.asked.clear()
    assert tab.load(sources)["sums"] == SUMS
    assert pieces.asked == [("3.bin", "bytes=400-1011")]
    assert tab.kept() == {one["sha256"]: one["bytes"] for one in sources}


def test_another_tab_goes_on_where_a_closed_one_broke_off(
    context, tab: Tab, pieces: Pieces, sources
):
    pieces.faults["0.bin"] = [stall(400)]
    other = Tab(context, pieces)
    tab.begin(sources[:1])
    tab.wait_until_begun(sources[0]["sha256"], 400)
    other.begin(sources[:1])  # it waits for the other tab's lock
    tab.page.close()

    assert other.end()["sums"] == SUMS[:1]
    assert pieces.asked == [("0.bin", None), ("0.bin", "bytes=400-1008")]


@pytest.mark.parametrize(
    ("begun", "asked"),
    {
        "of another file": (CONTENT[0][::-1][:300], ["bytes=300-1008", None]),
        "longer than the piece": (CONTENT[0] * 2, [None]),
        "whole and wrong": (CONTENT[0][::-1], [None]),
        "whole and right": (CONTENT[0], []),
        "empty": (b"", [None]),
    }.values(),
    ids=["of another file", "longer", "whole and wrong", "whole and right", "empty"],
)
def test_what_was_begun_counts_only_if_the_whole_is_right(
    tab: Tab, pieces: Pieces, sources, begun: bytes, asked
):
    tab.damage(sources[0]["sha256"] + ".partial", begun)

    found = tab.load(sources[:1])

    assert found["sums"] == SUMS[:1]
    assert found["progress"] == [len(CONTENT[0])] * 2
    assert [wanted for _, wanted in pieces.asked] == asked
    assert tab.kept() == {sources[0]["sha256"]: len(CONTENT[0])}


def test_what_was_begun_starts_over_where_there_are_no_ranges(tab: Tab, pieces: Pieces, sources):
    tab.damage(sources[0]["sha256"] + ".partial", CONTENT[0][:300])
    pieces.faults["0.bin"] = [without_ranges]

    found = tab.load(sources[:1])

    assert (found["sums"], found["progress"]) == (SUMS[:1], [len(CONTENT[0])] * 2)
    assert tab.kept() == {sources[0]["sha256"]: len(CONTENT[0])}


def test_a_file_that_stays_wrong_leaves_nothing(tab: Tab, pieces: Pieces, sources):
    pieces.faults["0.bin"] = [wrong] * 3
    tab.damage(sources[0]["sha256"] + ".partial", CONTENT[0][::-1][:300])

    assert "is damaged" in tab.load(sources[:1])["error"]

    assert tab.kept() == {}


def test_two_tabs_fetch_each_piece_once(context, tab: Tab, pieces: Pieces, sources):
    other = Tab(context, pieces)
    tab.begin(sources)
    other.begin(sources)

    assert [tab.end()["sums"], other.end()["sums"]] == [SUMS, SUMS]
    assert sorted(pieces.asked) == [(f"{n}.bin", None) for n in range(8)]


@pytest.mark.parametrize(
    "damage",
    {"other bytes": CONTENT[2][::-1], "cut short": CONTENT[2][:500], "nothing": b""}.values(),
    ids=["other bytes", "cut short", "nothing"],
)
def test_a_damaged_file_is_fetched_again(tab: Tab, pieces: Pieces, sources, damage: bytes):
    tab.load(sources)
    tab.damage(sources[2]["sha256"], damage)
    pieces.asked.clear()

    found = tab.load(sources)

    assert found["sums"] == SUMS
    assert pieces.asked == [("2.bin", None)]
    assert tab.kept() == {one["sha256"]: one["bytes"] for one in sources}


@pytest.mark.chromium_only("a quota is set by Chromium's debugging protocol")
def test_a_full_disk_is_told_once_and_loading_goes_on(tab: Tab, sources):
    devtools = tab.page.context.new_cdp_session(tab.page)
    origin = tab.pieces.address.rstrip("/")
    devtools.send("Storage.overrideQuotaForOrigin", {"origin": origin, "quotaSize": 3000})

    found = tab.load(sources)

    assert found["sums"] == SUMS
    assert [message[:35] for message in found["unkept"]] == ["This browser has no room to keep th"]
    kept = tab.kept()
    assert kept.items() <= {one["sha256"]: one["bytes"] for one in sources}.items()
    assert kept


def test_a_changed_model_fetches_what_changed_and_drops_the_rest(tab: Tab, pieces: Pieces, sources):
    tab.models(remember("https://a.test/manifest.json", sources))
    tab.load(sources)
    pieces.files["new.bin"] = CONTENT[0][::-1]
    changed = [source("new.bin", CONTENT[0][::-1]), *sources[1:]]
    pieces.asked.clear()

    tab.models(remember("https://a.test/manifest.json", changed))
    assert tab.load(changed)["sums"] == SUMS
    assert tab.models("sweep()")

    assert pieces.asked == [("new.bin", None)]
    assert set(tab.kept()) == {one["sha256"] for one in changed}


def test_models_share_pieces_and_one_can_be_deleted(tab: Tab, sources):
    tab.models(remember("https://a.test/manifest.json", sources[:5]))
    tab.models(remember("https://b.test/manifest.json", sources[3:]))
    tab.load(sources)
    size = {n: len(content) for n, content in enumerate(CONTENT)}

    stored = tab.models("stored()")
    assert stored["bytes"] == sum(size.values())
    found = {model["url"]: (model["name"], model["bytes"]) for model in stored["models"]}
    assert found == {
        "https://a.test/manifest.json": ("toy", sum(size[n] for n in range(5))),
        "https://b.test/manifest.json": ("toy", sum(size[n] for n in range(3, 8))),
    }

    assert tab.models("forget('https://b.test/manifest.json')")
    assert set(tab.kept()) == {one["sha256"] for one in sources[:5]}

    assert tab.models("forget()")
    assert tab.models("stored()") == {"bytes": 0, "models": []}
    assert tab.kept() == {}


def test_what_was_begun_is_told_and_deleted_with_its_model(tab: Tab, sources):
    tab.models(remember("https://a.test/manifest.json", sources[:1]))
    tab.models(remember("https://b.test/manifest.json", sources[1:2]))
    for one in sources[:2]:
        tab.damage(one["sha256"] + ".partial", b"half")

    assert tab.models("stored()")["bytes"] == 8
    assert tab.models("forget('https://b.test/manifest.json')")

    assert set(tab.kept()) == {sources[0]["sha256"] + ".partial"}
    found = tab.models("stored()")["models"]
    assert [(one["bytes"], one["total"]) for one in found] == [(4, len(CONTENT[0]))]


def test_what_another_tab_is_writing_stays(tab: Tab, sources):
    old, being_written = (source["sha256"] + ".partial" for source in sources[:2])
    for name in (old, being_written):
        tab.damage(name, b"half")

    all_gone = tab.page.evaluate(
        """(piece) => navigator.locks.request(`gemtab ${piece}`, async () =>
          (await import("/engine/store/models.js")).sweep())""",
        sources[1]["sha256"],
    )

    assert not all_gone
    assert set(tab.kept()) == {being_written}


def test_parts_of_a_piece_are_read_and_an_open_piece_stays(tab: Tab, sources):
    tab.load(sources)
    parts = [[0, 3], [1000, 100], [5, 0]]

    read = """(job) => new Promise((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.postMessage({ type: "read", ...job }); })"""
    job = {"piece": sources[0]["sha256"], "parts": parts}
    found = tab.page.evaluate(read, job)

    assert [bytes(part) for part in found["found"]] == [
        CONTENT[0][offset : offset + length] for offset, length in parts
    ]
    assert tab.models("forget()") is False
    assert set(tab.kept()) == {sources[0]["sha256"]}


READ_WHOLE = """async (piece) => {
  const { arrayBuffer } = Blob.prototype;
  const begun = new Promise((resolve) => {
    Blob.prototype.arrayBuffer = async function () {
      resolve();
      await new Promise((go) => (window.go = go));
      return arrayBuffer.call(this);
    };
  });
  const { Store } = await import("/engine/store/store.js");
  const store = await Store.open();
  window.found = store.get(piece.sha256, piece.bytes).then((bytes) => bytes && bytes.length);
  await begun;
  Blob.prototype.arrayBuffer = arrayBuffer;
}"""


def test_a_piece_that_another_tab_reads_stays_until_it_is_read(context, tab: Tab, pieces, sources):
    tab.load(sources[:1])
    other = Tab(context, pieces)
    other.page.evaluate(READ_WHOLE, sources[0])

    assert tab.models("forget()") is False

    assert other.page.evaluate("go(), found") == sources[0]["bytes"]
    assert tab.models("forget()") is True
    assert tab.kept() == {}


def test_a_reader_that_is_gone_holds_nothing(context, tab: Tab, pieces: Pieces, sources):
    tab.load(sources[:1])
    other = Tab(context, pieces)
    other.page.evaluate(READ_WHOLE, sources[0])
    other.page.close()

    tab.page.evaluate(
        """async () => { // the browser may take a while to notice
          const { sweep } = await import("/engine/store/models.js");
          while (!(await sweep())) await new Promise(requestAnimationFrame); }"""
    )

    assert tab.kept() == {}


def test_a_store_removes_what_it_reads_itself(tab: Tab, sources):
    tab.load(sources[:1])

    removed = tab.page.evaluate(
        """async (piece) => {
          const { Store } = await import("/engine/store/store.js");
          const store = await Store.open();
          await store.read(piece, 0, 4);
          return store.remove(piece); }""",
        sources[0]["sha256"],
    )

    assert removed
    assert tab.kept() == {}


def test_the_last_manifest_is_kept(tab: Tab, sources):
    tab.models(remember("https://a.test/manifest.json", sources))

    assert tab.models("recall('https://a.test/manifest.json')") == manifest(sources)
    assert tab.models("recall('https://b.test/manifest.json')") is None

"""Rows of a table that stays off the GPU (web/engine/load/table.js): found, kept hot, read from the network."""

import hashlib
from threading import Lock

import numpy as np
import pytest

from browser.load_tab import Tab, source
from browser.piece_server import PieceHandler, Pieces, send, status, without_ranges

pytestmark = pytest.mark.browser

# Rows of three bytes in two pieces of the same source, and rows of one byte in another source.
PLANES = [
    {
        "buffer": "codes",
        "row_bytes": 3,
        "pieces": [{"row": 0, "source": 0, "offset": 6}, {"row": 4, "source": 0, "offset": 40}],
    },
    {"buffer": "scales", "row_bytes": 1, "pieces": [{"row": 0, "source": 1, "offset": 10}]},
]
STAGE = """async ({ planes, turns }) => {
  const { Table } = await import("/engine/load/table.js");
  const asked = [];
  const written = [];
  let broken = true;
  const read = async (parts) => parts.map(({ source, offset, length }) => {
    asked.push([source, offset, length]);
    if (offset === 49 && broken) { broken = false; throw new Error("lost"); }
    return Uint8Array.from({ length }, (_, i) => offset + i);
  });
  const table = new Table(planes, read, (buffer, bytes) => written.push([buffer, [...bytes]]));
  for (const ids of turns) await table.stage(ids).catch((error) => written.push([error.message, []]));
  return { asked, written, sources: [...table.sources()] };
}"""


def staged(chat, *turns):
    return chat.evaluate(STAGE, {"planes": PLANES, "turns": turns})


def test_rows_lie_in_their_order_plane_by_plane(chat):
    found = staged(chat, [5, 0, 3])

    assert found["written"] == [
        ["codes", [43, 44, 45, 6, 7, 8, 15, 16, 17]],
        ["scales", [15, 10, 13]],
    ]
    assert found["sources"] == [0, 1]


def test_a_row_that_is_hot_is_not_read_again(chat):
    found = staged(chat, [4, 4], [4])

    assert found["asked"] == [[0, 40, 3], [1, 14, 1]]
    assert [place for place, _ in found["written"]] == ["codes", "scales"] * 2


def test_a_row_that_could_not_be_read_is_tried_again(chat):
    found = staged(chat, [7], [7])

    assert found["written"][0][0] == "lost"
    assert found["written"][1] == ["codes", [49, 50, 51]]


PARTS = """async ({ sources, spans, patience, together, store, first }) => {
  const { Pieces } = await import("/engine/load/pieces.js");
  const { Store } = await import("/engine/store/store.js");
  const pieces = new Pieces(store ? await Store.open() : null, { patience, together });
  if (first) await pieces.get(sources[0], { whole: true });
  const before = pieces.fetched;
  const parts = await pieces.parts(sources, spans.map((span) => ({ ...span, source: 0 }))).catch((error) => error.message);
  return { parts: Array.isArray(parts) ? parts.map((part) => [...part]) : parts, fetched: pieces.fetched - before };
}"""
CONTENT = bytes(range(100, 250))
SPANS = [{"offset": 20, "length": 4}, {"offset": 5, "length": 4}, {"offset": 9, "length": 2}]
WANTED = [list(CONTENT[span["offset"] :][: span["length"]]) for span in SPANS]


def parts(tab: Tab, pieces: Pieces, **job):
    """Parts of a small file, and the ranges that were asked for."""
    pieces.files = {"a.bin": CONTENT}
    pieces.asked.clear()
    wanted = {**source("a.bin", CONTENT), "url": f"{pieces.address}pieces/a.bin"}
    job = {
        "sources": [wanted], "spans": SPANS, "store": True, "first": False,
        "patience": {"pauseMs": 1, "retries": 2}, "together": {"gap": 3, "most": 1000},
    } | job  # fmt: skip
    found = tab.page.evaluate(PARTS, job)
    return found, sorted(str(asked) for _, asked in pieces.asked)


def test_parts_come_by_ranges_until_the_piece_is_kept(tab: Tab, pieces: Pieces):
    found, asked = parts(tab, pieces)
    assert found == {"parts": WANTED, "fetched": 10}
    assert asked == ["bytes=20-23", "bytes=5-10"]

    found, asked = parts(tab, pieces, first=True)
    assert found == {"parts": WANTED, "fetched": 0}
    assert asked == ["None"]


@pytest.mark.parametrize(
    ("together", "asked"),
    [
        ({"gap": 0, "most": 100}, ["bytes=20-23", "bytes=5-10"]),
        ({"gap": 8, "most": 100}, ["bytes=20-23", "bytes=5-10"]),
        ({"gap": 9, "most": 100}, ["bytes=5-23"]),
        ({"gap": 9, "most": 18}, ["bytes=20-23", "bytes=5-10"]),
        ({"gap": 9, "most": 5}, ["bytes=20-23", "bytes=5-8", "bytes=9-10"]),
    ],
)
def test_neighbours_are_asked_for_together(tab: Tab, pieces: Pieces, together, asked):
    found, ranges = parts(tab, pieces, together=together)

    assert found["parts"] == WANTED
    assert ranges == asked


def test_a_server_without_ranges_sends_the_piece_once(tab: Tab, pieces: Pieces):
    pieces.faults["a.bin"] = [without_ranges] * 9

    found, _ = parts(tab, pieces)
    assert found["parts"] == WANTED
    _, again = parts(tab, pieces)
    assert again == []  # all of it is kept


def test_a_part_that_cannot_be_had_is_told_and_asks_no_more(tab: Tab, pieces: Pieces):
    pieces.faults["a.bin"] = [status(503)] * 3
    spans = [{"offset": 2 * n, "length": 1} for n in range(60)]
    job = {"spans": spans, "together": {"gap": 0, "most": 1}, "patience": {"retries": 0}}

    found, asked = parts(tab, pieces, **job)

    assert "the server answered 503" in found["parts"]
    assert len(asked) < 60


# E2B's table of per-layer embeddings as it lies in shards: codes, then scales.
ROWS, SHARD_ROWS, CODES, SCALES = 262_144, 8192, 4480, 560
SHARD_BYTES = SHARD_ROWS * (CODES + SCALES)
STAGE_ROWS = """async ({ planes, sources, ids, patience }) => {
  const { Pieces } = await import("/engine/load/pieces.js");
  const { Table } = await import("/engine/load/table.js");
  const { sha256 } = await import("/engine/load/sha256.js");
  const pieces = new Pieces(null, { patience });
  const read = (parts) => pieces.parts(sources, parts);
  const written = {};
  const table = new Table(planes, read, (buffer, bytes) => (written[buffer] = bytes));
  await table.stage(ids);
  return Object.fromEntries(await Promise.all(Object.entries(written).map(async ([name, bytes]) => [name, await sha256(bytes)])));
}"""


class Shard:
    """A file of the table that is worked out where it is read."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __len__(self) -> int:
        return SHARD_BYTES

    def __getitem__(self, part: slice) -> bytes:
        start, stop, _ = part.indices(SHARD_BYTES)
        at = np.arange(start, stop, dtype=np.int64)
        return ((at * 31 + at // 251 + self.number) % 256).astype(np.uint8).tobytes()


class Slow:
    """Answers after a while, and counts how many requests are under way."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self.lock = Lock()

    def answer(self, handler: PieceHandler, content: bytes) -> None:
        """Six at a time would take four times as long as a request may."""
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        handler.pieces.closing.wait(0.005)
        with self.lock:
            self.now -= 1
        send(handler, content)


@pytest.mark.chromium_only(
    "a busy machine's Firefox keeps no stall timer of one second over so many requests"
)
def test_a_thousand_rows_come_six_requests_at_a_time(tab: Tab, pieces: Pieces, rng):
    names = [f"{n}.bin" for n in range(ROWS // SHARD_ROWS)]
    slow = Slow()
    pieces.files = {name: Shard(n) for n, name in enumerate(names)}
    pieces.faults = {name: [slow.answer] * 2048 for name in names}
    sources = [
        {"url": f"{pieces.address}pieces/{name}", "offset": 0, "bytes": SHARD_BYTES, "sha256": name}
        for name in names
    ]
    planes = [
        {
            "buffer": buffer,
            "row_bytes": row_bytes,
            "pieces": [
                {"row": n * SHARD_ROWS, "source": n, "offset": offset} for n in range(len(names))
            ],
        }
        for buffer, row_bytes, offset in (
            ("codes", CODES, 0),
            ("scales", SCALES, SHARD_ROWS * CODES),
        )
    ]
    ids = rng.choice(ROWS, 1024, replace=False).tolist()
    job = {"planes": planes, "sources": sources, "ids": ids, "patience": {"stallMs": 1000}}

    found = tab.page.evaluate(STAGE_ROWS, job)

    for plane in planes:
        wanted = b"".join(row_of(plane, id) for id in ids)
        assert found[plane["buffer"]] == hashlib.sha256(wanted).hexdigest()
    assert slow.most <= 6
    asked = [(name, wanted) for name, wanted in pieces.asked]
    assert len(set(asked)) == len(asked) < 2048  # none twice, neighbours together


def row_of(plane: dict, id: int) -> bytes:
    """A row's bytes of a plane, from the files."""
    number, row = divmod(id, SHARD_ROWS)
    start = plane["pieces"][number]["offset"] + row * plane["row_bytes"]
    return Shard(number)[start : start + plane["row_bytes"]]

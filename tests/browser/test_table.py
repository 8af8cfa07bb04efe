"""Rows of a table that stays off the GPU (web/engine/load/table.js): found, kept hot, read from the network."""

import pytest

from browser.load_tab import Tab, source
from browser.piece_server import Pieces

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
  const read = async (source, offset, length) => {
    asked.push([source, offset, length]);
    if (offset === 49 && broken) { broken = false; throw new Error("lost"); }
    return Uint8Array.from({ length }, (_, i) => offset + i);
  };
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


PART = """async (sources) => {
  const { Pieces } = await import("/engine/load/pieces.js");
  const { Store } = await import("/engine/store/store.js");
  const pieces = new Pieces(await Store.open());
  const remote = [...(await pieces.part(sources[0], 5, 4))];
  await pieces.get(sources[0]);
  const asked = pieces.fetched;
  const local = [...(await pieces.part(sources[0], 5, 4))];
  return { remote, local, more: pieces.fetched - asked };
}"""


def test_a_part_comes_by_a_range_until_its_piece_is_kept(tab: Tab, pieces: Pieces):
    content = bytes(range(100, 160))
    pieces.files = {"a.bin": content}
    wanted = {**source("a.bin", content), "url": f"{pieces.address}pieces/a.bin"}

    found = tab.page.evaluate(PART, [wanted])

    assert found == {"remote": list(content[5:9]), "local": list(content[5:9]), "more": 0}
    assert "bytes=5-8" in str(pieces.asked)

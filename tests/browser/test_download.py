"""web/engine/download.js in a page: order, ranges, retries, and files that are not what they should be."""

import hashlib

import pytest
from playwright.sync_api import Page, Route

pytestmark = pytest.mark.browser

CONTENT = bytes(range(256)) * 40
TAKE = """async ({ sources, order }) => {
  const { Downloads } = await import("/engine/download.js");
  const absolute = sources.map((source) => ({ ...source, url: new URL(source.url, location.href).href }));
  let last = null;
  const downloads = new Downloads(absolute, (done, total) => (last = [done, total]));
  downloads.start();
  try {
    const sums = [];
    for (const index of order) sums.push((await downloads.take(index)).reduce((a, b) => a + b, 0));
    return { sums, last };
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
}"""


def source(
    url: str, offset: int = 0, length: int = len(CONTENT), sha256: str | None = None
) -> dict:
    """A range of CONTENT, as a manifest has it."""
    digest = hashlib.sha256(CONTENT[offset : offset + length]).hexdigest()
    return {"url": url, "offset": offset, "bytes": length, "sha256": sha256 or digest}


def take(chat: Page, sources: list[dict], order: list[int]):
    """The byte sums of sources, taken in an order; or the error."""
    return chat.evaluate(TAKE, {"sources": sources, "order": order})


def whole(route: Route) -> None:
    """Answer with the whole file."""
    route.fulfill(status=200, body=CONTENT)


def ranges(route: Route) -> None:
    """Answer a Range request as a server should."""
    wanted = route.request.headers.get("range")
    if not wanted:
        whole(route)
        return
    start, end = map(int, wanted.removeprefix("bytes=").split("-"))
    route.fulfill(status=206, body=CONTENT[start : end + 1])


def test_sources_come_whole_and_in_any_order(chat: Page):
    chat.route("**/shard-*", whole)
    sources = [source(f"shard-{number}") for number in range(8)]

    found = take(chat, sources, [7, 0, 1, 2, 3, 4, 5, 6])

    assert found["sums"] == [sum(CONTENT)] * 8
    assert found["last"] == [8 * len(CONTENT)] * 2


def test_ranges_of_one_file(chat: Page):
    chat.route("**/file", ranges)
    sources = [source("file", 0, 100), source("file", 100, 1000)]

    assert take(chat, sources, [0, 1])["sums"] == [sum(CONTENT[:100]), sum(CONTENT[100:1100])]


def test_the_start_of_a_longer_file(chat: Page):
    chat.route("**/file", ranges)

    assert take(chat, [source("file", 0, 100)], [0])["sums"] == [sum(CONTENT[:100])]


def test_a_server_without_ranges_is_named(chat: Page):
    chat.route("**/file", whole)

    assert "does not serve byte ranges" in take(chat, [source("file", 100, 100)], [0])


def test_a_passing_failure_is_tried_again(chat: Page, console_errors: list[str]):
    cut_off = [lambda route: route.abort(), lambda route: route.fulfill(status=503)]
    answers = iter([*cut_off, whole])
    chat.route("**/shard", lambda route: next(answers)(route))

    found = take(chat, [source("shard")], [0])

    assert found["sums"] == [sum(CONTENT)]
    assert len(console_errors) == 2
    console_errors.clear()


@pytest.mark.parametrize(
    ("changed", "complaint"),
    {
        "wrong hash": ({"sha256": "0" * 64}, "is damaged: its SHA-256"),
        "too short": ({"bytes": len(CONTENT) + 1}, "has the wrong length"),
    }.values(),
    ids=["wrong hash", "too short"],
)
def test_a_damaged_file_is_named(chat: Page, changed: dict, complaint: str):
    chat.route("**/shard", whole)

    found = take(chat, [{**source("shard"), **changed}], [0])

    assert "/shard" in found
    assert complaint in found

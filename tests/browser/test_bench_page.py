"""The page that measures, of the built embedded model: for a person, and for a program."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from browser.built_site import Site

pytestmark = [
    pytest.mark.browser,
    pytest.mark.gpu,
    pytest.mark.chromium_only("made of the engine, and nobody waits for its speed"),
]
READY_MS = 120_000
PROTOCOL = """export function expose(load) {
  window.bench = async ({ ids, counts, n_ctx }) => {
    const engine = await load({ n_ctx });
    const found = [];
    for (const count of counts) found.push(await engine.generate({ ids }, count));
    return { found, info: engine.info() };
  };
}"""


@pytest.fixture(scope="module")
def site(demo_site) -> Iterator[Site]:
    site = Site(demo_site)
    yield site
    site.stop()


def test_a_person_sees_speeds(page: Page, site: Site):
    page.goto(site.url + "bench.html")
    page.get_by_role("button", name="Measure").click()

    expect(page.get_by_role("status")).to_have_text("Done", timeout=READY_MS)
    rows = page.get_by_role("table", name="Tokens per second").get_by_role("row")
    expect(rows).to_have_count(4)
    expect(page.get_by_role("button", name="Measure")).to_be_enabled()
    for tokens, row in zip((32, 128, 512), rows.all()[1:], strict=True):
        expect(row.get_by_role("rowheader")).to_have_text(str(tokens))
        assert [float(text) > 0 for text in row.get_by_role("cell").all_inner_texts()] == [True] * 2


def test_a_program_measures_by_its_own_protocol(page: Page, site: Site):
    page.route("**/common.js", lambda route: route.fulfill(
        content_type="text/javascript", body=PROTOCOL))  # fmt: skip
    page.goto(site.url + "bench.html")

    asked = {"ids": [2, *range(300, 340)], "counts": [9, 1, 9], "n_ctx": 96}
    told = page.evaluate("(asked) => window.bench(asked)", asked)

    long, short, again = told["found"]
    assert [len(long), len(short)] == [9, 1]
    assert short == long[:1]
    assert again == long
    assert told["info"]["context"] == 96


def test_a_model_that_is_not_there_is_told(page: Page, site: Site, console_errors):
    page.route("**/model/manifest.json", lambda route: route.fulfill(status=404))
    page.goto(site.url + "bench.html")
    page.get_by_role("button", name="Measure").click()

    expect(page.get_by_role("alert")).to_contain_text("There is no model at", timeout=READY_MS)
    expect(page.get_by_role("button", name="Measure")).to_be_enabled()
    console_errors.clear()  # the browser's own note of the 404

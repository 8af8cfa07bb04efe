"""web/sw.js over a site of a few files: visits with no network, and new versions."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from browser.built_site import Site
from browser.site_server import WEB
from gemtab_build.site.write import APP, app_listing

pytestmark = pytest.mark.browser

PAGE = (
    b'<!doctype html><link rel="icon" href="data:,"><script type="module" src="page.js"></script>'
)
SCRIPT = b"""import { version } from "./engine/version.js";
document.title = version;
navigator.serviceWorker.register("sw.js");"""
WHOLE = """async (version) => {
  const isKept = (keys) => keys.length === 1 && keys[0].endsWith(version);
  while (!isKept(await caches.keys())) await new Promise(requestAnimationFrame);
}"""


def write(site: Site, version: str) -> str:
    """Write a version of the site; what app.json calls it."""
    files = {
        "index.html": PAGE,
        "page.js": SCRIPT,
        "engine/version.js": f"export const version = '{version}';".encode(),
        "pyodide/part.wasm": b"wasm",
        "engine/store/app.js": (WEB / "engine/store/app.js").read_bytes(),
        "sw.js": (WEB / "sw.js").read_bytes(),
    }
    listing = app_listing(files)
    for name, data in (files | {APP: listing}).items():
        path = site.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return str(listing.split(b'"')[3], "ascii")


@pytest.fixture
def site(tmp_path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.stop()


@pytest.fixture
def first_visit(context: BrowserContext, site: Site) -> Page:
    """A page of version one, which is kept."""
    kept = write(site, "one")
    page = context.new_page()
    see(page, site, "one")
    page.evaluate(WHOLE, kept)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    return page


def see(page: Page, site: Site, version: str) -> None:
    """Open the page and expect a version."""
    page.goto(site.url)
    expect(page).to_have_title(version)


def see_offline(page: Page, site: Site, version: str) -> None:
    """Open the page while the server is down."""
    port = site.stop()
    try:
        see(page, site, version)
    finally:
        site.start(port)


def test_the_app_opens_with_no_network(first_visit: Page, site: Site):
    see_offline(first_visit, site, "one")


@pytest.mark.chromium_only("only Chromium's debugging protocol tells who answered")
def test_a_browser_fetches_webassembly_itself_while_the_site_is_there(
    first_visit: Page, site: Site
):
    def is_answered_by_worker(name: str) -> bool:
        with first_visit.expect_response(f"**/{name}") as response:
            first_visit.evaluate("(name) => fetch(name).then((found) => found.text())", name)
        return response.value.from_service_worker

    see(first_visit, site, "one")
    assert is_answered_by_worker("engine/version.js")
    assert not is_answered_by_worker("pyodide/part.wasm")

    port = site.stop()
    try:
        see(first_visit, site, "one")
        assert is_answered_by_worker("pyodide/part.wasm")
    finally:
        site.start(port)


def test_a_new_version_shows_at_once_and_is_kept(first_visit: Page, site: Site):
    kept = write(site, "two")

    see(first_visit, site, "two")

    first_visit.evaluate(WHOLE, kept)
    see_offline(first_visit, site, "two")


def test_files_that_are_not_of_the_version_are_not_kept(first_visit: Page, site: Site):
    write(site, "two")
    (site.folder / "engine/version.js").write_bytes(b"export const version = 'three';")

    see(first_visit, site, "three")
    see(first_visit, site, "three")  # by now the first try to keep it is over

    see_offline(first_visit, site, "one")


APP_FILES = """async (act) => {
  const app = await import("./engine/store/app.js");
  if (act) await app[act]();
  return [await app.appFiles(), await app.keptApp(), await caches.keys()]; }"""


def test_the_app_is_counted_and_deleted_and_kept_again(first_visit: Page, site: Site):
    listing = json.loads((site.folder / APP).read_text())
    bytes_ = sum((site.folder / name).stat().st_size for name in listing["files"])
    first_visit.evaluate("caches.open('of another app')")

    counted, kept, names = first_visit.evaluate(APP_FILES, None)
    assert (counted, kept) == ({"bytes": bytes_, "missing": 0}, bytes_)
    assert len(names) == 2

    found = first_visit.evaluate(APP_FILES, "forgetApp")
    assert found == [{"bytes": bytes_, "missing": bytes_}, 0, ["of another app"]]
    first_visit.evaluate("caches.delete('of another app')")

    see(first_visit, site, "one")  # from the network
    first_visit.evaluate(WHOLE, listing["version"])
    see_offline(first_visit, site, "one")


def test_a_site_that_keeps_no_app_is_not_kept(first_visit: Page, site: Site):
    (site.folder / APP).unlink()
    (site.folder / "engine/version.js").write_bytes(b"export const version = 'two';")

    see(first_visit, site, "two")

"""A page whose scripts cannot be run says so, and why, instead of staying empty."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from browser.faulty_site import serve_faulty
from browser.piece_server import PieceHandler, Pieces, status
from browser.site_server import WEB
from gemtab_build.site.write import app_listing, page_files

pytestmark = pytest.mark.browser

BLANK = b"<!doctype html><title>Loads nothing</title>"


@pytest.fixture
def site() -> Iterator[Pieces]:
    instead = {"/app.json": app_listing(page_files(WEB)), "/blank.html": BLANK}
    with serve_faulty(WEB, instead) as site:
        yield site


def as_html(handler: PieceHandler, content: bytes) -> None:
    """A file with the type of a page."""
    handler.send_response(200)
    handler.send_header("Content-Type", "text/html")
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def newer(handler: PieceHandler, _: bytes) -> None:
    """A script that this browser cannot read."""
    body = b"let then = 1 ?!? 2;"
    handler.begin(200, len(body))
    handler.wfile.write(body)


FAULTS = {
    "the page's script is not there": ("page.js", status(404), "page.js could not be fetched: the server answered 404."),
    "a module is not there": ("chat/offer.js", status(404), "chat/offer.js could not be fetched: the server answered 404."),
    "a module comes as a page": ("engine/client.js", as_html, "engine/client.js comes as text/html, not as JavaScript."),
    "a module of a newer language": ("chat/dom.js", newer, "this browser does not run its scripts."),
}  # fmt: skip


@pytest.mark.parametrize(("name", "fault", "told"), FAULTS.values(), ids=FAULTS)
def test_a_module_that_does_not_load_is_told(
    page: Page, site: Pieces, console_errors, name, fault, told
):
    site.faults[name] = [fault] * 9

    page.goto(site.address)

    expect(page.get_by_role("alert")).to_contain_text(told)
    console_errors.clear()


def test_a_page_without_its_start_script_tells_to_wait(page: Page, site: Pieces, console_errors):
    site.faults = {"page.js": [status(404)], "start.js": [status(404)]}

    page.goto(site.address)
    page.evaluate("document.getAnimations().forEach((one) => one.finish())")  # as if it were late

    expect(page.get_by_text("Gemtab has not started yet")).to_be_visible()
    console_errors.clear()


def test_a_missing_module_of_the_worker_is_told(page: Page, site: Pieces, console_errors):
    site.faults["engine/host.js"] = [status(404)] * 9
    page.goto(site.address + "blank.html")

    told = page.evaluate("""async () => {
      const { Engine } = await import("/engine/client.js");
      return new Engine({ silentMs: 500 }).load("/model/").catch((error) => error.message); }""")

    assert "engine/host.js could not be fetched: the server answered 404." in told
    console_errors.clear()

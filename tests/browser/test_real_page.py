"""The built site with the real engine and the embedded model, visited again and again by one browser."""

import json
import os
from collections.abc import Iterator
from shutil import copytree

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from browser.built_site import Site
from gemtab.weights.files import FileArtifact

pytestmark = [pytest.mark.browser, pytest.mark.gpu]
SCREENSHOT = "GEMTAB_SCREENSHOT"  # a path: where the picture of the README goes
READY_MS = 60_000


@pytest.fixture(scope="module")
def site(demo_site, tmp_path_factory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("real") / "site"
    copytree(demo_site, folder)
    site = Site(folder)
    yield site
    site.stop()


@pytest.fixture(scope="module")
def browser(launch) -> Iterator[Browser]:
    """A browser of our own: one test ends its GPU process."""
    browser = launch()
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def profile(browser) -> Iterator[BrowserContext]:
    """What the browser keeps from visit to visit."""
    context = browser.new_context(viewport={"width": 900, "height": 600})
    yield context
    context.close()


@pytest.fixture(scope="module")
def first_visit(profile, site) -> Page:
    """A page that has loaded the model, and kept it and the app."""
    page = profile.new_page()
    visit(page, site)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    return page


@pytest.fixture
def page(first_visit) -> Iterator[Page]:
    """A later visit's page."""
    page = first_visit.context.new_page()
    yield page
    page.close()


def visit(page: Page, site: Site) -> None:
    """Open the page and wait until it can reply."""
    page.goto(site.url)
    expect(page.get_by_role("status")).to_have_text("Ready", timeout=READY_MS)


def ask(page: Page, question: str) -> str:
    """Ask, wait for the reply's end; the reply."""
    page.get_by_label("Message").fill(question)
    page.get_by_role("button", name="Send").click()
    return reply(page)


def reply(page: Page) -> str:
    """The last reply, when it has ended."""
    expect(page.get_by_role("status")).to_contain_text("tokens per second", timeout=READY_MS)
    return page.get_by_role("listitem", name="Gemma").last.inner_text()


def test_the_page_looks_alive(first_visit: Page):
    page = first_visit

    assert "Anna" in ask(page, "Hello! My name is Anna.")
    assert "Anna" in ask(page, "What is my name?")
    expect(page.get_by_role("listitem")).to_have_count(4)
    expect(page.get_by_role("heading", name="Gemtab")).to_be_in_viewport()
    for name in ("Send", "New chat"):
        expect(page.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("listitem").last).to_be_in_viewport(ratio=1)
    if SCREENSHOT in os.environ:
        page.screenshot(path=os.environ[SCREENSHOT])


def test_what_a_visit_compiled_is_noted_for_the_next(first_visit: Page, site: Site):
    noted = first_visit.wait_for_function(
        """async () => {
          const folder = await (await (await navigator.storage.getDirectory())
            .getDirectoryHandle("gemtab")).getDirectoryHandle("devices");
          for await (const [name, handle] of folder.entries())
            if (name.startsWith("first-")) return JSON.parse(await (await handle.getFile()).text()); }"""
    ).json_value()

    assert {"sample", "pick_slab"} <= {name.partition("-")[0] for name in noted}
    assert set(noted) <= FileArtifact(site.folder).shaders().keys()


def test_a_later_visit_needs_no_network(page: Page, site: Site):
    port = site.stop()
    try:
        visit(page, site)
        assert ask(page, "Who are you?")
    finally:
        site.start(port)


def test_storage_counts_the_app_and_deletes_it(page: Page, site: Site):
    visit(page, site)
    page.get_by_text("Storage", exact=True).click()
    listing = json.loads((site.folder / "app.json").read_text())
    app = page.get_by_role("listitem").filter(has_text="This app")
    expect(app).to_contain_text(f"{sum(listing['sizes'].values()) / 1e6:.1f}")

    page.get_by_role("button", name="Delete This app").click()

    expect(page.get_by_text("the next visit downloads it again")).to_be_visible()
    expect(app).to_have_count(0)
    page.keyboard.press("Escape")
    assert ask(page, "Who are you?")
    visit(page, site)  # all from the network


def test_a_corrupt_shard_is_told_and_tried_again(page: Page, site: Site):
    model = FileArtifact(site.folder)
    source = model.manifest.sources[0]
    shard = model.folder / source.url
    good = shard.read_bytes()
    shard.write_bytes(good[::-1])
    try:
        page.goto(site.url + "page.css")  # of the same origin, and loads nothing
        page.evaluate(
            """async (piece) => (await import("/engine/store/store.js")).Store.open().then((store) => store.remove(piece))""",
            source.sha256,
        )
        page.goto(site.url)
        expect(page.get_by_role("alert")).to_contain_text(
            f"{source.url} is damaged", timeout=READY_MS
        )
    finally:
        shard.write_bytes(good)

    page.get_by_role("button", name="Try again").click()

    expect(page.get_by_role("status")).to_have_text("Ready", timeout=READY_MS)
    assert ask(page, "Who are you?")


@pytest.mark.chromium_only("a GPU process is ended by Chromium's debugging protocol")
def test_a_graphics_card_that_is_lost_is_told_and_replies_again(
    browser: Browser, page: Page, site: Site
):
    visit(page, site)
    page.get_by_label("Message").fill("What is Gemtab?")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("listitem", name="Gemma")).not_to_be_empty(timeout=READY_MS)

    browser.new_browser_cdp_session().send("Browser.crashGpuProcess")

    expect(page.get_by_role("alert")).to_contain_text(
        "The graphics card was lost", timeout=READY_MS
    )
    page.get_by_role("button", name="Try again").click()
    assert "Gemma" in reply(page)

"""Browsers, a server over web/, a chat page with a scripted worker in the engine's place, the built demo."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from browser.judged_site import serve_models
from browser.load_tab import Tab
from browser.piece_server import Pieces, serve_pieces
from browser.site_server import WEB, serve
from gemtab_build.cli import main
from gemtab_build.run.browsers import KINDS, options
from gemtab_build.run.setup_browser import has_vulkan_driver

playwright_api = pytest.importorskip("playwright.sync_api")
Browser, BrowserContext = playwright_api.Browser, playwright_api.BrowserContext
Page = playwright_api.Page


SCRIPTED_WORKER = Path(__file__).with_name("scripted_worker.js")
PAGE = """<!doctype html><title>Chat</title><link rel="icon" href="data:,">
<script type="module" src="chat/define.js"></script><gemtab-chat {}></gemtab-chat>"""
BLANK = b"<!doctype html><title>Loads nothing</title><link rel=icon href=data:,>"
PAGES = {"big": 'model="big/"', "auto": 'model="big/" autoload', "stuck": 'model="stuck/" autoload'}


def pytest_generate_tests(metafunc):
    """What takes a browser runs in each, unless it is marked `chromium_only`, which gives the reason."""
    if "browser_name" in metafunc.fixturenames:
        only = metafunc.definition.get_closest_marker("chromium_only")
        names = ["chromium"] if only else list(KINDS)
        metafunc.parametrize("browser_name", names, indirect=True, scope="session")


@pytest.fixture(scope="session")
def browser_name(request) -> str:
    """The browser at hand: a test that asks for it, or for what is made with it, runs in each."""
    name = request.param
    if KINDS[name].find() is None:
        pytest.skip(f"there is no {KINDS[name].title}; {KINDS[name].variable} names one")
    if name == "firefox" and sys.platform == "linux" and not has_vulkan_driver():
        pytest.skip("Firefox has no WebGPU without a Vulkan driver, and there is none")
    return name


@pytest.fixture(scope="session")
def launch(browser_name) -> Iterator[Callable[..., Browser]]:
    """Start a browser with some of `browsers.options`; all are closed when the session ends."""
    with playwright_api.sync_playwright() as playwright:
        kind = getattr(playwright, browser_name)
        yield lambda **wanted: kind.launch(**options(browser_name, **wanted))


@pytest.fixture(scope="session")
def browser(launch) -> Iterator[Browser]:
    """A headless browser with WebGPU."""
    browser = launch()
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def demo_site(tmp_path_factory) -> Path:
    """The built site of the embedded model. A test that changes a file works on a copy."""
    folder = tmp_path_factory.mktemp("demo") / "site"
    assert main(["build", "demo", "--out", str(folder)]) == 0
    return folder


@pytest.fixture(scope="session")
def scripted_site() -> Iterator[str]:
    """The address of the page, whose engine is a script."""
    instead = {"/engine/worker.js": SCRIPTED_WORKER, "/model/manifest.json": manifest(4_000_000)}
    for name, bytes_ in {"big": 1_900_000_000, "stuck": 1_900_000_000}.items():
        instead[f"/{name}/manifest.json"] = manifest(bytes_)
    instead["/blank.html"] = BLANK
    for name, attributes in PAGES.items():
        instead[f"/{name}.html"] = PAGE.format(attributes).encode()
    with serve(WEB, instead) as address:
        yield address


def manifest(bytes_: int) -> bytes:
    """A manifest of one source that is nowhere, as far as JavaScript reads it."""
    source = {"url": "a.bin", "offset": 0, "bytes": bytes_, "sha256": "0" * 64}
    return json.dumps({"model": "toy", "sources": [source], "files": {}}).encode()


@pytest.fixture
def console_errors() -> list[str]:
    """What the page's console complained of so far; a test that means it empties the list."""
    return []


@pytest.fixture
def page(browser, console_errors) -> Iterator[Page]:
    """A fresh page, which must end with no error in its console."""
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.on("console", lambda said: said.type == "error" and console_errors.append(said.text))
    page.on("pageerror", lambda error: console_errors.append(str(error)))
    yield page
    context.close()
    assert console_errors == []


@pytest.fixture
def chat(page, scripted_site) -> Page:
    """The chat page, ready."""
    page.goto(scripted_site)
    playwright_api.expect(page.get_by_role("status")).to_have_text("Ready")
    return page


@pytest.fixture
def blank(page, scripted_site) -> Page:
    """A page of the site's origin that has loaded nothing."""
    page.goto(scripted_site + "blank.html")
    return page


@pytest.fixture(scope="session")
def judged_site() -> Iterator[str]:
    """The address of pages whose models a device is judged by."""
    with serve_models(SCRIPTED_WORKER) as address:
        yield address


@pytest.fixture
def asked(page: Page) -> list[str]:
    """Addresses that the page has asked for."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    return asked


@pytest.fixture
def pieces() -> Iterator[Pieces]:
    """A server of pieces, with faults to order."""
    with serve_pieces() as pieces:
        yield pieces


@pytest.fixture
def context(browser) -> Iterator[BrowserContext]:
    """A browser profile of its own."""
    context = browser.new_context()
    yield context
    context.close()


@pytest.fixture
def tab(context, pieces) -> Tab:
    """A tab that loads pieces."""
    return Tab(context, pieces)

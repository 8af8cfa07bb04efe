"""The real worker where there is no WebGPU: what is missing is said, and no more is fetched than what a model is."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from browser.site_server import WEB, serve

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def without_webgpu(launch) -> Iterator[Browser]:
    """A browser that has no WebGPU, or no adapter for it, and knows a host that is not localhost."""
    browser = launch(webgpu=False, hosts=("elsewhere.test",))
    yield browser
    browser.close()


@pytest.fixture
def bare_page(without_webgpu) -> Iterator[Page]:
    """A page of that browser."""
    page = without_webgpu.new_page()
    yield page
    page.close()


def test_says_what_is_missing_and_fetches_no_more_than_the_manifest(bare_page: Page, browser_name):
    asked: list[str] = []
    bare_page.on("request", lambda request: asked.append(request.url))
    with serve(WEB) as address:
        bare_page.goto(address)

        alert = bare_page.get_by_role("alert")
        if browser_name == "firefox":  # on Linux; elsewhere it has WebGPU
            expect(alert).to_contain_text("set dom.webgpu.enabled to true")
        else:
            expect(alert).to_contain_text("no graphics card that WebGPU can use")
        expect(bare_page.get_by_role("button", name="Try again")).to_be_visible()
    fetched = [url for url in asked if "pyodide" in url or "model/" in url]
    assert [url for url in fetched if not url.endswith("/model/manifest.json")] == []


def test_says_that_the_page_is_not_secure(bare_page: Page):
    with serve(WEB) as address:
        bare_page.goto(address.replace("127.0.0.1", "elsewhere.test"))

        expect(bare_page.get_by_role("alert")).to_contain_text("over https, or from localhost")

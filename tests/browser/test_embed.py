"""The element on another origin's page, its worker started from a blob module."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from browser.site_server import serve

pytestmark = pytest.mark.browser

HOST_PAGE = """<!doctype html><title>Somebody's page</title><link rel="icon" href="data:,">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:;
 script-src {site} 'wasm-unsafe-eval'; connect-src {site}; worker-src blob:">
<script type="module" src="{site}embed.js"></script>
<gemtab-chat context="512"></gemtab-chat>"""


@pytest.fixture
def host_page(scripted_site, tmp_path) -> Iterator[str]:
    """A page of another origin, with a strict policy, that embeds the element."""
    page = HOST_PAGE.format(site=scripted_site)
    with serve(tmp_path, {"/host.html": page.encode()}) as address:
        yield f"{address}host.html"


def test_element_replies_on_another_origin(page: Page, host_page: str):
    page.goto(host_page)
    expect(page.get_by_role("status")).to_have_text("Ready")

    page.get_by_label("Message").fill("Hello?")
    page.get_by_role("button", name="Send").click()

    expect(page.get_by_role("listitem").last).to_contain_text("Hi there.")

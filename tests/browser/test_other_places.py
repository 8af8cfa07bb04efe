"""The real engine where a site lies under a path of its host, and in a page of a second origin with a policy of its own."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from browser.built_site import Site
from browser.site_server import serve
from browser.test_policy import HOST_PAGE, POLICY

pytestmark = [
    pytest.mark.browser,
    pytest.mark.gpu,
    pytest.mark.chromium_only("test_policy.py has the policies in each, with a scripted engine"),
]
READY_MS = 60_000


@pytest.fixture(scope="module")
def below(demo_site, tmp_path_factory) -> Iterator[str]:
    """The address of a site that is not at its host's root."""
    folder = tmp_path_factory.mktemp("host")
    shutil.copytree(demo_site, folder / "some/path")
    site = Site(folder)
    yield f"{site.url}some/path/"
    site.stop()


def expect_a_reply(page: Page) -> None:
    """Wait until it can reply, and let it."""
    expect(page.get_by_role("status")).to_have_text("Ready", timeout=READY_MS)
    page.get_by_label("Message").fill("Hello! My name is Anna.")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("status")).to_contain_text("tokens per second", timeout=READY_MS)
    expect(page.get_by_role("listitem", name="Gemma")).to_contain_text("Anna")


def test_a_site_under_a_path_replies_and_keeps_its_app(page: Page, below: str):
    page.goto(below)

    expect_a_reply(page)

    scope = page.evaluate("navigator.serviceWorker.ready.then((found) => found.scope)")
    assert scope == below


def host_page(below: str, **changes: str) -> dict[str, bytes]:
    """A page for another origin, whose policy is what the README asks for but for `changes`."""
    policy = "; ".join(f"{key} {value}" for key, value in (POLICY | changes).items())
    policy = policy.format(site="/".join(below.split("/")[:3]))
    return {"/host.html": HOST_PAGE.format(policy=policy, site=below).encode()}


def test_the_element_replies_in_a_page_of_a_second_origin(page: Page, below: str, tmp_path):
    with serve(tmp_path, host_page(below)) as address:
        page.goto(f"{address}host.html")

        expect_a_reply(page)


def test_a_policy_without_webassembly_is_told(page: Page, below: str, tmp_path, console_errors):
    with serve(tmp_path, host_page(below, **{"script-src": "{site}"})) as address:
        page.goto(f"{address}host.html")

        expect(page.get_by_role("alert")).to_contain_text(
            "forbids WebAssembly. Add 'wasm-unsafe-eval' to its script-src.", timeout=READY_MS
        )
        console_errors.clear()

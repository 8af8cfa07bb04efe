"""A site whose weights are byte ranges of a published file on another origin, in the real page."""

import pytest
from playwright.sync_api import Page, expect

from browser.built_site import Site
from browser.site_server import WEB, Handler, serve
from gemtab_build.cli import main
from helpers.packed_checkpoint import write_packed

pytestmark = [
    pytest.mark.browser,
    pytest.mark.gpu,
    pytest.mark.chromium_only("test_store has what differs"),
]
READY_MS = 60_000


class Redirecting(Handler):
    """Sends everyone to another host."""

    def __init__(self, *args, to: str, **kwargs):
        self.to = to
        super().__init__(*args, **kwargs)

    def do_GET(self):  # noqa: N802
        self.send_response(302)
        self.send_header("Location", self.to + self.path.removeprefix("/"))
        self.end_headers()


@pytest.fixture(scope="module")
def upstream(tmp_path_factory):
    """A host of a packed checkpoint."""
    folder = tmp_path_factory.mktemp("upstream") / "hf"
    write_packed(folder, nested=True)
    site = Site(folder)
    yield site
    site.stop()


@pytest.fixture(scope="module")
def site(upstream):
    """A site that has its weights from there."""
    yield from build(upstream.folder, "site", "--weights-at", upstream.url)


def build(checkpoint, name, *options):
    """A site, served."""
    out = checkpoint.with_name(name)
    assert main(["build", str(checkpoint), "--out", str(out), *options]) == 0
    site = Site(out)
    yield site
    site.stop()


@pytest.fixture
def redirected_site(upstream):
    """A site that has its weights from a host that sends the page on to the other one."""
    with serve(WEB, handler=Redirecting, to=upstream.url) as address:
        options = ("--weights-at", address, "--weights-via", upstream.url)
        yield from build(upstream.folder, "redirected", *options)


def test_the_page_loads_ranges_from_the_other_origin(page: Page, site, upstream):
    asked: list[tuple[str | None, int]] = []
    page.on(
        "response",
        lambda got: (
            got.url.startswith(upstream.url)
            and asked.append((got.request.headers.get("range"), got.status))
        ),
    )
    page.goto(site.url)

    expect(page.get_by_role("status")).to_have_text("Ready", timeout=READY_MS)
    assert asked
    assert all(part and status == 206 for part, status in asked)
    page.get_by_label("Message").fill("Hello")
    page.get_by_role("button", name="Send").click()
    reply = page.get_by_role("listitem", name="Gemma")
    expect(reply).not_to_have_text("Thinking…", timeout=READY_MS)  # all there is before it begins
    page.get_by_role("button", name="Stop").click()  # random weights seldom end a reply
    expect(page.get_by_role("status")).to_contain_text("tokens per second", timeout=READY_MS)


def test_a_server_that_ignores_ranges_is_named(page: Page, site, upstream, console_errors):
    published = upstream.folder / "model.safetensors"
    page.context.route(
        f"{upstream.url}**",
        lambda route: route.fulfill(
            status=200, path=published, headers={"Access-Control-Allow-Origin": "*"}
        ),
    )
    page.goto(site.url)

    said = expect(page.get_by_role("alert"))
    said.to_contain_text("the server does not serve byte ranges", timeout=READY_MS)
    said.to_contain_text(f"{upstream.url}model.safetensors")
    console_errors.clear()


def test_a_host_that_redirects_is_followed(page: Page, redirected_site):
    page.goto(redirected_site.url)

    expect(page.get_by_role("status")).to_have_text("Ready", timeout=READY_MS)

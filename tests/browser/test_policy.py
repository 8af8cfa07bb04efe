"""Pages whose Content-Security-Policy lacks something that the element needs: told by directive, with what to add."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from browser.site_server import serve

pytestmark = pytest.mark.browser

POLICY = {
    "default-src": "'none'", "img-src": "data:", "script-src": "{site} 'wasm-unsafe-eval'",
    "connect-src": "{site}", "worker-src": "blob:",
}  # fmt: skip
HOST_PAGE = """<!doctype html><title>Somebody's page</title><link rel="icon" href="data:,">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<script type="module" src="{site}embed.js"></script>
<gemtab-chat context="512"></gemtab-chat>"""


@pytest.fixture
def open_page(page: Page, scripted_site: str, tmp_path) -> Iterator[Callable[..., str]]:
    """Open a page of another origin with a policy of its own; the site's origin."""
    instead = {"/host.html": b""}

    with serve(tmp_path, instead) as address:

        def opened(**changes: str | None) -> str:
            named = POLICY | {key.replace("_", "-"): value for key, value in changes.items()}
            policy = "; ".join(
                f"{key} {value}" for key, value in named.items() if value is not None
            )
            policy = policy.format(site=scripted_site)
            instead["/host.html"] = HOST_PAGE.format(policy=policy, site=scripted_site).encode()
            page.goto(f"{address}host.html")
            return scripted_site.rstrip("/")

        yield opened


LACKING = {
    "no worker-src": ({"worker_src": None}, "forbids the engine's worker. Add blob: to its worker-src."),
    "no connect-src": ({"connect_src": None}, "forbids to fetch {site}/model/manifest.json. Add {site} to its connect-src."),
    "Trusted Types of others": (
        {"require_trusted_types_for": "'script'", "trusted_types": "dompurify"},
        "asks for Trusted Types. Add gemtab to its trusted-types.",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "told"), LACKING.values(), ids=LACKING)
def test_what_a_policy_lacks_is_told(page: Page, open_page, console_errors, changes, told):
    site = open_page(**changes)

    expect(page.get_by_role("alert")).to_contain_text(told.format(site=site))

    expect(page.get_by_role("alert")).not_to_contain_text("Reload")
    console_errors.clear()  # the browser's own words on each


@pytest.mark.parametrize(
    "names", [None, "gemtab", "'allow-duplicates' *"], ids=["any", "ours", "all"]
)
def test_the_element_runs_where_trusted_types_are_asked_for(page: Page, open_page, names):
    open_page(require_trusted_types_for="'script'", trusted_types=names)

    expect(page.get_by_role("status")).to_have_text("Ready")

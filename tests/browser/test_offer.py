"""The offer to download: what it says of the device, of the sizes and of the room, and what it lets one do."""

import re

import pytest
from playwright.sync_api import Page, expect

from browser.judged_site import LARGE, NARROW

pytestmark = pytest.mark.browser


def test_the_offer_tells_the_verdict_and_details(page: Page, judged_site: str, asked):
    page.goto(judged_site)
    offer = page.get_by_role("region", name="Download")
    expect(offer).to_contain_text("This device can run it")
    expect(offer).to_contain_text("tokens a second")
    expect(offer.get_by_role("definition").first).to_be_hidden()

    offer.get_by_text("Details", exact=True).press("Enter")

    terms = ["Graphics", "Memory", "Disk", "Speed"]
    expect(offer.get_by_role("term")).to_have_text(terms)
    needed = offer.get_by_role("definition").nth(1)
    expect(needed).to_contain_text("MB needed for graphics")
    expect(offer.get_by_role("definition").nth(3)).to_contain_text("of weights a second, measured")
    assert not [url for url in asked if "a.bin" in url]
    page.get_by_role("button", name="Download 1.9 GB and start").click()
    expect(page.get_by_role("status")).to_have_text("Ready")


ROOM = (
    "if (navigator.storage) navigator.storage.estimate = async () => ({{ quota: {}, usage: 1e9 }})"
)


@pytest.mark.parametrize(
    ("quota", "short"),
    [(2_500_000_000, "1.5 GB, and 1.9 GB are to come: 401 MB are short"), (1e9, "keeps nothing")],
)
def test_a_model_that_does_not_fit_the_free_space_is_no_first_choice(
    page: Page, judged_site: str, quota, short
):
    page.add_init_script(ROOM.format(quota))
    page.goto(judged_site)

    offer = page.get_by_role("region", name="Download")
    expect(offer).to_contain_text("This device may not have enough room for it.")
    expect(offer).to_contain_text(re.compile(short.replace(" ", r"\s")))
    expect(offer.locator("button.primary")).to_have_count(0)
    offer.get_by_role("button", name="Download 1.9 GB all the same").click()
    expect(page.get_by_role("status")).to_have_text("Ready")


def test_the_offer_counts_the_apps_own_files(page: Page, judged_site: str):
    sizes = {"version": "1", "files": {}, "sizes": {"a.js": 100_000_000, "b.wasm": 200_000_000}}
    page.route("**/app.json", lambda route: route.fulfill(json=sizes))
    page.add_init_script(ROOM.format(1e9 + LARGE + 200_000_000))
    page.goto(judged_site)

    offer = page.get_by_role("region", name="Download")
    expect(offer).to_contain_text("weights are 1.9 GB; this app and its Python are 300 MB.")
    expect(offer).to_contain_text("2.2 GB are to come")
    expect(offer.get_by_role("button")).to_have_text("Download 2.2 GB all the same")


def test_the_offer_tells_when_a_chat_can_begin(page: Page, judged_site: str):
    page.goto(judged_site + "half.html")

    offer = page.get_by_role("region", name="Download")
    # half of the weights, and the files: shaders for every device are a megabyte
    expect(offer).to_contain_text(re.compile(r"A chat can begin after the first 95[01]\sMB\."))
    page.goto(judged_site)
    expect(offer).to_contain_text("Its weights are 1.9 GB")
    expect(offer).not_to_contain_text("A chat can begin")


@pytest.mark.parametrize("name", ["", "auto.html", "small.html"])
def test_a_device_that_cannot_gets_no_button_and_fetches_no_weights(
    page: Page, judged_site, asked, name
):
    narrowed = f"({NARROW})({{ maxStorageBufferBindingSize: 4096 }})"
    page.add_init_script(f"globalThis.GPUAdapter && {narrowed}")  # about:blank may have none
    page.goto(judged_site + name)

    offer = page.get_by_role("region", name="Download")
    expect(offer).to_contain_text("This device cannot run it. This device binds at most 4.1")
    expect(offer).to_contain_text("Use a device with a larger graphics card, or a smaller model.")
    expect(offer.get_by_role("button")).to_have_count(0)
    expect(page.get_by_role("status")).to_have_text("")
    fetched = [url for url in asked if "a.bin" in url or "kernels" in url or "/worker.js" in url]
    assert fetched == []


def test_a_small_model_starts_at_once_unmeasured(page: Page, judged_site: str, asked):
    page.goto(judged_site + "small.html")

    expect(page.get_by_role("status")).to_have_text("Ready")
    assert not [url for url in asked if "kernels.json" in url]

"""How the element loads: asks first, shows how far it is, stops when told, and deletes what is kept."""

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

KEEP = """async ({ url, text, piece, bytes }) => {
  const { remember } = await import("/engine/store/models.js");
  const { Store } = await import("/engine/store/store.js");
  await remember(new URL(url, location.href).href, text);
  await (await Store.open()).put(piece, new Uint8Array(bytes));
}"""
OTHER = (
    '{"model": "other", "files": {}, '
    '"sources": [{"url": "a", "offset": 0, "bytes": 3000000, "sha256": "%s"}]}' % ("1" * 64)
)


def status(page: Page):
    """The line that tells how it stands."""
    return page.get_by_role("status")


def test_a_large_download_is_asked_for(page: Page, scripted_site: str):
    page.goto(scripted_site + "big.html")
    offer = page.get_by_role("region", name="Download")
    expect(offer).to_contain_text("toy")
    expect(offer).to_contain_text("weights are 1.9 GB")
    expect(status(page)).to_have_text("")
    expect(page.get_by_role("button", name="Send")).to_be_disabled()

    page.get_by_role("button", name="Download 1.9 GB and start").click()

    expect(status(page)).to_have_text("Ready")
    expect(offer).to_be_hidden()


def test_the_offer_is_taken_by_keyboard(page: Page, scripted_site: str):
    page.goto(scripted_site + "big.html")

    page.get_by_role("button", name="Download 1.9 GB and start").press("Enter")

    expect(status(page)).to_have_text("Ready")


def test_autoload_does_not_ask(page: Page, scripted_site: str):
    page.goto(scripted_site + "auto.html")

    expect(status(page)).to_have_text("Ready")


def test_loading_shows_how_far_it_is_and_what_one_should_know(page: Page, scripted_site: str):
    page.goto(scripted_site + "stuck.html")

    expect(status(page)).to_have_text("Downloading the model")
    expect(page.get_by_text("0.9 of 1.9 GB")).to_be_visible()
    bar = page.get_by_role("progressbar", name="Loading")
    assert bar.evaluate("(bar) => bar.value") == pytest.approx(9 / 19)  # Firefox rounds it
    expect(page.get_by_role("alert")).to_contain_text("There is no room.")
    page.get_by_role("button", name="OK").click()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_cancel_ends_loading_and_offers_it_again(page: Page, scripted_site: str):
    page.goto(scripted_site + "stuck.html")

    page.get_by_role("button", name="Cancel").click()

    expect(status(page)).to_have_text("Loading was cancelled.")
    expect(page.get_by_role("button", name="Cancel")).to_be_hidden()
    page.get_by_role("button", name="Download 1.9 GB and start").click()
    expect(status(page)).to_have_text("Downloading the model")


def test_a_model_that_is_not_there_is_told(page: Page, scripted_site: str, console_errors):
    page.route("**/manifest.json", lambda route: route.fulfill(status=404))
    page.goto(scripted_site)

    expect(page.get_by_role("alert")).to_contain_text("There is no model at")
    page.unroute("**/manifest.json")
    page.get_by_role("button", name="Try again").click()

    expect(status(page)).to_have_text("Ready")
    console_errors.clear()


def test_stored_models_are_shown_and_deleted(chat: Page):
    kept = {"url": "other/manifest.json", "text": OTHER, "piece": "1" * 64, "bytes": 3_000_000}
    chat.evaluate(KEEP, kept)

    chat.get_by_text("Storage", exact=True).click()
    expect(chat.get_by_text("This browser keeps 3.0 MB")).to_be_visible()
    chat.get_by_role("button", name="Delete other").click()

    expect(chat.get_by_text("Nothing is kept in this browser.")).to_be_visible()
    expect(status(chat)).to_have_text("Ready")
    chat.keyboard.press("Escape")


def test_deleting_the_model_at_hand_ends_it_and_offers_it_again(chat: Page):
    text = chat.evaluate("fetch('model/manifest.json').then((answer) => answer.text())")
    kept = {"url": "model/manifest.json", "text": text, "piece": "0" * 64, "bytes": 4_000_000}
    chat.evaluate(KEEP, kept)

    chat.get_by_text("Storage", exact=True).press("Enter")
    chat.get_by_role("button", name="Delete toy").press("Enter")

    expect(chat.get_by_text("Nothing is kept in this browser.")).to_be_visible()
    chat.get_by_text("Storage", exact=True).press("Escape")
    expect(chat.get_by_role("button", name="Send")).to_be_disabled()
    chat.get_by_role("button", name="Download 4.0 MB and start").click()
    expect(status(chat)).to_have_text("Ready")


def test_speed_is_that_of_the_last_seconds(chat: Page):
    pace = """async () => {
      const { Pace } = await import("/chat/pace.js");
      const pace = new Pace();
      const seen = [];
      for (const [at, bytes] of [[0, 0], [500, 9e6], [1000, 10e6], [4000, 40e6], [9000, 40.5e6]]) {
        pace.note(bytes, at);
        seen.push(pace.speed);
      }
      return seen; }"""

    assert chat.evaluate(pace) == [0, 0, 10e6, 10e6, 1e5]


def test_speed_and_time_left_are_shown(chat: Page):
    chat.clock.install(time=0)
    chat.clock.pause_at(10_000)
    line = """async () => {
      const { Status } = await import("/chat/status.js");
      window.line = new Status();
      line.begin(1.9e9, () => {});
      line.showProgress({ stage: "weights", done: 0, total: 2e9, fetched: 1 }); }"""
    more = """() => {
      line.showProgress({ stage: "weights", done: 4e8, total: 2e9, fetched: 3e8 + 1 });
      return line.element.textContent; }"""
    chat.evaluate(line)

    chat.clock.run_for(3000)

    told = "Downloading the model0.4 of 2.0 GB, 100 MB/s, 16 s left"
    assert " ".join(chat.evaluate(more).split()).startswith(told)

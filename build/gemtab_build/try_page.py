"""Ask a chat page one thing, as a person would, in headless Chromium."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gemtab.contracts.errors import UsageError
from gemtab_build.setup_browser import ARGUMENTS, find_chromium

REPLY_SECONDS = 180
# A reply is over when Send is back and the last line has not grown for a second.
POLL_MS = 250
STILL_POLLS = 8


@contextmanager
def open_chromium() -> Iterator[Any]:
    """A headless Chromium with WebGPU, on a software adapter if need be."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise UsageError("This needs Playwright: pip install playwright==1.65.2") from None
    chromium = find_chromium()
    if chromium is None:
        raise UsageError("There is no Chromium. Install it, or set GEMTAB_CHROMIUM to one.")
    # headless=False with --headless=new: the full browser, not the shell, which has no WebGPU
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(chromium), headless=False, args=[*ARGUMENTS, "--headless=new"]
        )
        try:
            yield browser
        finally:
            browser.close()


def ask_page(url: str, question: str) -> str:
    """The page's reply to one question, as shown; an error of the page's is raised."""
    with open_chromium() as browser:
        page = browser.new_page()
        messages: list[str] = []
        page.on("pageerror", lambda error: messages.append(str(error)))
        page.on("console", lambda line: messages.append(line.text))
        page.goto(url)
        page.set_default_timeout(REPLY_SECONDS * 1000)
        try:
            page.get_by_label("Message").fill(question)
            page.get_by_role("button", name="Send").click()
            return await_reply(page, question)
        except Exception as error:
            first = str(error).splitlines()[0]
            told = "; ".join(messages[-3:]) or "the page's console says nothing"
            raise UsageError(f"The page gave no reply: {first} ({told})") from error


def await_reply(page: Any, question: str) -> str:
    """The last line of the conversation, once it has stopped growing."""
    lines = page.get_by_role("log").get_by_role("listitem")
    alert = page.get_by_role("alert")
    before, still = "", 0
    for _ in range(REPLY_SECONDS * 1000 // POLL_MS):
        page.wait_for_timeout(POLL_MS)
        shown = [text.strip() for text in alert.all_inner_texts() if text.strip()]
        if shown:
            raise UsageError(shown[0])
        text = lines.last.inner_text().strip() if lines.count() > 1 else ""
        still = still + 1 if text and text == before and text != question else 0
        before = text
        if still >= STILL_POLLS:
            return text
    return before

"""Ask a chat page one thing, as a person would, in headless Chromium."""

from collections.abc import Callable
from typing import Any

from gemtab.contracts.errors import UsageError
from gemtab_build.run.browsers import open_browser

SECONDS = 180
POLL_MS = 100


def ask_page(url: str, question: str) -> str:
    """The page's reply to one question, as shown; what the page complains of is raised."""
    with open_browser() as browser:
        page = browser.new_page()
        console: list[str] = []
        page.on("pageerror", lambda error: console.append(str(error)))
        page.on("console", lambda line: console.append(line.text))
        page.goto(url)
        send = page.get_by_role("button", name="Send")
        page.get_by_label("Message", exact=True).fill(question)
        wait_until(page, console, "become ready", lambda: send.count() > 0 and send.is_enabled())
        send.click()
        # Send gives way to Stop while the reply grows, and comes back after it
        lines = page.get_by_role("log").get_by_role("listitem")
        wait_until(page, console, "end its reply", lambda: send.count() > 0 and lines.count() > 1)
        text: str = lines.last.inner_text()
        return text.strip()


def wait_until(page: Any, console: list[str], what: str, is_so: Callable[[], bool]) -> None:
    """Wait for the page to do something; raise what it shows as an alert, or that it took long."""
    for _ in range(SECONDS * 1000 // POLL_MS):
        if is_so():
            return
        shown = [text.strip() for text in page.get_by_role("alert").all_inner_texts()]
        if any(shown):
            raise UsageError(f"The page says: {' '.join(' '.join(shown).split())}")
        page.wait_for_timeout(POLL_MS)
    told = "; ".join(console[-3:]) or "nothing"
    said = " | ".join(page.get_by_role("listitem").all_inner_texts()) or "nothing"
    raise UsageError(
        f"The page did not {what} in {SECONDS} s. It shows: {said[:200]}. Its console: {told}"
    )

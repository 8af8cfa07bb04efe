"""Browsers for Playwright to drive, headless, with WebGPU on a software adapter if need be."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from gemtab.contracts.errors import UsageError
from gemtab_build.run.setup_browser import ARGUMENTS, find_chromium, find_firefox

FIREFOX_PREFERENCES = {"dom.webgpu.enabled": True, "gfx.webgpu.ignore-blocklist": True}


class Kind(NamedTuple):
    """What tells one browser from another: its name for people, the variable that names its program."""

    title: str
    variable: str
    find: Callable[[], Path | None]


KINDS = {
    "chromium": Kind("Chromium", "GEMTAB_CHROMIUM", find_chromium),
    "firefox": Kind("Firefox", "GEMTAB_FIREFOX", find_firefox),
}


def program(name: str) -> Path:
    """The browser's program; a UsageError where there is none."""
    title, variable, find = KINDS[name]
    found = find()
    if found is None:
        raise UsageError(f"There is no {title}. Install it, or set {variable} to one.")
    return found


def options(name: str, webgpu: bool = True, hosts: tuple[str, ...] = ()) -> dict[str, Any]:
    """Playwright's options for a launch; `hosts` are names that lead to this machine."""
    executable = str(program(name))
    if name == "firefox":
        preferences: dict[str, Any] = dict(FIREFOX_PREFERENCES) if webgpu else {}
        preferences |= {"network.dns.localDomains": ",".join(hosts)} if hosts else {}
        channel = "moz-firefox"  # Mozilla's own, over WebDriver BiDi
        return {
            "channel": channel,
            "executable_path": executable,
            "firefox_user_prefs": preferences,
        }
    arguments = [*(ARGUMENTS if webgpu else ("--no-sandbox", "--disable-gpu")), "--headless=new"]
    arguments += [f"--host-resolver-rules=MAP {host} 127.0.0.1" for host in hosts]
    # headless=False with --headless=new: the full browser, not the shell, which has no WebGPU
    return {"executable_path": executable, "headless": False, "args": arguments}


@contextmanager
def open_browser(name: str = "chromium", profile: Path | None = None) -> Iterator[Any]:
    """A headless browser with WebGPU, on a software adapter if need be; `new_page` opens a page.

    What pages store is kept in the folder `profile`, or in memory until the end.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise UsageError("This needs Playwright: pip install playwright==1.64.1") from None
    wanted = options(name)
    with sync_playwright() as playwright:
        kind = getattr(playwright, name)
        browser = (
            kind.launch_persistent_context(str(profile), **wanted)
            if profile
            else kind.launch(**wanted)
        )
        try:
            yield browser
        finally:
            browser.close()

"""How soon a page can be used, and replies: medians over visits of headless Chromium on SwiftShader.

`python tests/bench/page_start.py DIR [--visits 5]`, with py_src and build on PYTHONPATH. A cold visit has a profile
of its own, and ends when one question was answered; a warm one comes second, with what the first has kept. DIR is a
site of the embedded model.
"""

import argparse
import gzip
import json
import tempfile
import threading
import time
from pathlib import Path
from statistics import median

from playwright.sync_api import Page

from gemtab_build.run.browsers import open_browser
from gemtab_build.site.serve import SiteServer

INTERACTIVE = "() => !!document.querySelector('gemtab-chat')?.shadowRoot?.querySelector('textarea')"
ANSWERED = """() => document.querySelector('gemtab-chat').shadowRoot
  .querySelector('[role=status]')?.textContent.endsWith('tokens per second.')"""
READY = """() => document.querySelector('gemtab-chat').shadowRoot
  .querySelector('[role=status]')?.textContent === 'Ready'"""


def visit(page: Page, url: str) -> dict[str, float]:
    """Seconds from opening the page until one can type, and until the engine is ready."""
    began = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.wait_for_function(INTERACTIVE, polling=10)
    interactive = time.perf_counter() - began
    page.wait_for_function(READY, polling=10, timeout=120_000)
    return {"interactive": interactive, "ready": time.perf_counter() - began}


def ask(page: Page) -> None:
    """Put a question, and wait for the end of its answer."""
    page.get_by_role("textbox").fill("Who are you?")
    page.keyboard.press("Enter")
    page.wait_for_function(ANSWERED, polling=100, timeout=120_000)


def scripts(folder: Path, asked: set[str]) -> dict[str, int]:
    """Bytes of the page's own JavaScript that a visit asks for before Python, plain and each file by gzip."""
    texts = [
        (folder / path).read_bytes()
        for path in asked
        if path.endswith(".js") and not path.startswith("pyodide/")
    ]
    return {
        "files": len(texts),
        "bytes": sum(map(len, texts)),
        "gzip": sum(len(gzip.compress(text)) for text in texts),
    }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dir", type=Path)
    parser.add_argument("--visits", type=int, default=5)
    args = parser.parse_args()
    server = SiteServer(args.dir)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    seen: dict[str, list[float]] = {}
    asked: set[str] = set()
    for _ in range(args.visits):
        with tempfile.TemporaryDirectory(prefix="gemtab-profile-") as profile:
            for name in ("cold", "warm"):
                with open_browser(profile=Path(profile)) as context:
                    page = context.new_page()
                    page.on("request", lambda one: asked.add(one.url.removeprefix(server.url)))
                    for what, seconds in visit(page, server.url).items():
                        seen.setdefault(f"{name} {what}", []).append(seconds)
                    ask(page)
                    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    found = {name: round(median(times), 2) for name, times in seen.items()}
    print(json.dumps({"scripts": scripts(args.dir, asked), "seconds": found}, indent=1))
    server.shutdown()


if __name__ == "__main__":
    main()

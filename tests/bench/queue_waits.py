"""How long the page's engine waits for its GPU, with and without empty submits (web/engine/gpu/watched-queue.js).

`python tests/bench/queue_waits.py DIR [--browser firefox] [--turns N]`, with py_src and build on PYTHONPATH: DIR is a
built site. Both kinds run in turns, each in a browser of its own; milliseconds, and how many waits they were.
"""

import argparse
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gemtab_build.run.browser_runner import BrowserRunner
from gemtab_build.run.browsers import KINDS

SCRIPT = "engine/gpu/watched-queue.js"
WAIT = "  async until(promise) {\n"
TOLD = """  async until(promise) {
    const begun = performance.now();
    try {
      return await this.untold(promise);
    } finally {
      (globalThis.waitsTold ??= new BroadcastChannel("waits")).postMessage(performance.now() - begun);
    }
  }
  async untold(promise) {
"""
LISTEN = """() => {
  window.waits = [];
  new BroadcastChannel("waits").onmessage = ({ data }) => window.waits.push(data);
}"""
ONCE = [2, *range(300, 330)]


class Listening(BrowserRunner):
    """Hears of the waits from the start on, those of the load too."""

    def _ask(self, request):
        if request["type"] == "load":
            self.page.evaluate(LISTEN)
        return super()._ask(request)

    def waits(self) -> str:
        """Those since the last call."""
        found = self.page.evaluate("window.waits.splice(0)")
        return f"{sum(found):.0f} ms in {len(found)}"


@contextmanager
def copies(site: Path) -> Iterator[dict[str, Path]]:
    """The site with its waits told, as it is and without empty submits."""
    with tempfile.TemporaryDirectory() as temporary:
        found = {}
        for name, prompt in (("without", "true"), ("with", "false")):
            found[name] = Path(temporary) / name
            shutil.copytree(site, found[name])
            script = found[name] / SCRIPT
            text = script.read_text().replace("isPrompt = false", f"isPrompt = {prompt}")
            assert WAIT in text
            script.write_text(text.replace(WAIT, TOLD))
        yield found


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dir", type=Path)
    parser.add_argument("--browser", choices=KINDS, default="firefox")
    parser.add_argument("--turns", type=int, default=3)
    args = parser.parse_args()
    with copies(args.dir) as sites:
        for _ in range(args.turns):
            for name, site in sites.items():
                with Listening(site, "f32", None, 512, browser=args.browser) as runner:
                    load = runner.waits()
                    runs = [runner.continue_ids(ONCE, tokens) for tokens in (1, 33, 1, 33)]
                first, total = 1000 * runs[2].timing["first"], runs[3].timing["total"]
                told = f"load's waits {load}, first token {first:.0f} ms, 33 tokens {total:.2f} s"
                print(f"{name:8} {told}, load {os.getloadavg()[0]:.0f}", flush=True)


if __name__ == "__main__":
    main()

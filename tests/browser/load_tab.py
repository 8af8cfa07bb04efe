"""A tab that loads sources in a worker, and looks at what the browser keeps."""

import hashlib
from typing import Any
from urllib.parse import urljoin

from playwright.sync_api import BrowserContext

from browser.piece_server import Pieces

QUICK = {"stallMs": 5000, "pauseMs": 1, "retries": 2, "offlineMs": 50}
BEGIN = """(job) => {
  window.worker = new Worker("/load.js", { type: "module" });
  window.news = { notes: [], progress: [0, 0] };
  window.running = new Promise((resolve) => {
    worker.onmessage = ({ data }) => ((window.news = data), data.type === "done" && resolve(data));
    worker.onerror = (event) => resolve({ error: event.message });
  });
  worker.postMessage(job);
}"""
MODELS = "await import('/engine/store/models.js')"
FOLDER = (
    "await (await navigator.storage.getDirectory()).getDirectoryHandle('gemtab', { create: true })"
)


def source(url: str, content: bytes, offset: int = 0, length: int | None = None) -> dict[str, Any]:
    """A range of a served file, as a manifest has it."""
    part = content[offset:][:length]
    digest = hashlib.sha256(part).hexdigest()
    return {"url": url, "offset": offset, "bytes": len(part), "sha256": digest}


class Tab:
    """A page of the served site's origin."""

    def __init__(self, context: BrowserContext, pieces: Pieces) -> None:
        self.pieces = pieces
        self.page = context.new_page()
        self.page.set_default_timeout(10_000)
        self.page.goto(pieces.address + "blank.html")

    def begin(
        self, sources: list[dict[str, Any]], order: list[int] | None = None,
        budget: int = 1 << 20, together: bool = False, **patience: int,
    ) -> None:  # fmt: skip
        """Start loading sources of the server, in turn or all together, and return at once."""
        base = f"{self.pieces.address}pieces/"
        absolute = [one | {"url": urljoin(base, one["url"])} for one in sources]
        order = list(range(len(sources))) if order is None else order
        job = {"sources": absolute, "order": order, "patience": QUICK | patience, "budget": budget}
        job["together"] = together
        self.page.evaluate(BEGIN, job)

    def end(self) -> dict[str, Any]:
        """What came of loading."""
        return dict(self.page.evaluate("window.running"))

    def load(self, sources: list[dict[str, Any]], **options: Any) -> dict[str, Any]:
        """Load sources; sums of their bytes, what was told, the error."""
        self.begin(sources, **options)
        return self.end()

    def wait_until(self, what: str) -> None:
        """Wait for a JavaScript expression over `news` to be true."""
        self.page.wait_for_function(what)

    def kept(self) -> dict[str, int]:
        """Names and sizes of the files in the store."""
        sizes = f"""async () => {{
          const found = {{}};
          for await (const [name, handle] of ({FOLDER}).entries())
            if (handle.kind === "file") found[name] = (await handle.getFile().catch(() => null))?.size;
          return found; }}"""  # a file may get its name just now
        return dict(self.page.evaluate(sizes))

    def wait_until_kept(self, pieces: list[str]) -> None:
        """Wait until these are in the store."""
        self.page.evaluate(
            f"""async (pieces) => {{
              const folder = {FOLDER};
              const isKept = (piece) => folder.getFileHandle(piece).then(() => true, () => false);
              while (!(await Promise.all(pieces.map(isKept))).every(Boolean)) {{
                await new Promise(requestAnimationFrame);
              }} }}""",
            pieces,
        )

    def wait_until_begun(self, piece: str, bytes_: int) -> None:
        """Wait until so much of a piece is in the store, while the rest is coming."""
        self.page.evaluate(
            f"""async ([piece, bytes]) => {{
              const folder = {FOLDER};
              const size = () => folder.getFileHandle(piece + ".partial").then((handle) => handle.getFile())
                .then((file) => file.size, () => -1);
              while ((await size()) !== bytes) await new Promise(requestAnimationFrame); }}""",
            [piece, bytes_],
        )

    def damage(self, piece: str, content: bytes) -> None:
        """Write other bytes into a file of the store."""
        write = f"""async ([piece, content]) => {{
          const stream = await (await ({FOLDER}).getFileHandle(piece, {{ create: true }})).createWritable();
          await stream.write(new Uint8Array(content));
          await stream.close(); }}"""
        self.page.evaluate(write, [piece, list(content)])

    def models(self, call: str) -> Any:
        """The outcome of a function of web/engine/store/models.js."""
        return self.page.evaluate(f"async () => ({MODELS}).{call}")

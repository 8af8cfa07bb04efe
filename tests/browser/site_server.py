"""A static server over a folder, with some paths answered from elsewhere, and CORS for embedding."""

from collections import ChainMap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

NO_SIZES = {
    "/app.json": b'{"version": "", "files": {}, "sizes": {}}'
}  # of a folder that no build wrote
WEB = Path(__file__).parents[2] / "web"


class Handler(SimpleHTTPRequestHandler):
    """Answers from `instead` first, then from the folder."""

    extensions_map = {  # noqa: RUF012
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".css": "text/css",
        ".svg": "image/svg+xml",
        ".json": "application/json",
        ".wasm": "application/wasm",
        "": "application/octet-stream",
    }

    def __init__(self, *args, instead: Mapping[str, Path | bytes], **kwargs):
        self.instead = instead
        super().__init__(*args, **kwargs)

    def do_GET(self):
        path = self.path.split("?")[0]
        if path not in self.instead:
            super().do_GET()
            return
        content = self.instead[path]
        body = content if isinstance(content, bytes) else content.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def end_headers(self):
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, *_args):
        pass


@contextmanager
def serve(
    folder: Path, instead: Mapping[str, Path | bytes] | None = None, handler: type = Handler, **more
) -> Iterator[str]:
    """The address of a server over `folder`, until the block ends."""
    built = {} if (folder / "app.json").exists() else NO_SIZES
    handle = partial(handler, directory=str(folder), instead=ChainMap(instead or {}, built), **more)
    with ThreadingHTTPServer(("127.0.0.1", 0), handle) as server:
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()

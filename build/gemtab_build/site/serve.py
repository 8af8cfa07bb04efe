"""A small web server for a built site, on this machine alone."""

import contextlib
import mimetypes
import os
import re
import urllib.parse
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO

from gemtab.contracts.errors import UsageError
from gemtab_build.site.compress import GzipForms, accepts_gzip, is_compressible

ADDRESS = "127.0.0.1"
COPY_BYTES = 1 << 20
TYPES = {
    ".bin": "application/octet-stream",
    ".css": "text/css; charset=utf-8",
    ".gz": "application/gzip",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".safetensors": "application/octet-stream",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".zip": "application/zip",
}
HASHED_NAME = re.compile(r"[.-][0-9a-f]{12,64}(\.|$)")
META_POLICY = re.compile(
    r"<meta[^>]*http-equiv=[\"']Content-Security-Policy[\"'][^>]*content=\"([^\"]*)\"", re.I
)


class SiteServer(ThreadingHTTPServer):
    """Serves one folder; a thread for each connection."""

    daemon_threads = True
    allow_reuse_address = os.name != "nt"

    def __init__(self, folder: Path, port: int = 0) -> None:
        if not folder.is_dir():
            raise UsageError(f"{folder} is not a folder. Build a site into it with `gemtab build`.")
        self.folder = folder.resolve()
        self.policy = page_policy(self.folder)
        self.gzip_forms = GzipForms()
        try:
            super().__init__((ADDRESS, port), SiteHandler)
        except (OSError, OverflowError) as error:
            raise UsageError(
                f"Port {port} cannot be had: {error}. Give another --port; 0 picks a free one."
            ) from None

    @property
    def url(self) -> str:
        """The address to open, a secure context for the browser."""
        return f"http://{ADDRESS}:{self.server_port}/"


class SiteHandler(BaseHTTPRequestHandler):
    """Answers GET and HEAD for files, whole or in part."""

    server: SiteServer
    protocol_version = "HTTP/1.1"
    server_version = "gemtab"

    def do_GET(self) -> None:
        """Send a file."""
        with contextlib.suppress(ConnectionError):  # the browser left: nobody to tell
            self.answer(with_body=True)

    def do_HEAD(self) -> None:
        """Send what a GET would, without the file."""
        with contextlib.suppress(ConnectionError):
            self.answer(with_body=False)

    def log_message(self, *_: object) -> None:
        """Stay quiet: a page asks for hundreds of files."""

    def answer(self, *, with_body: bool) -> None:
        """Find the file that the request names and send it."""
        raw_path = self.path.split("?", 1)[0].split("#", 1)[0]
        path = find_file(self.server.folder, raw_path)
        if path is None:
            self.refuse(HTTPStatus.NOT_FOUND, with_body=with_body)
        elif path.is_dir():
            self.send_empty(HTTPStatus.MOVED_PERMANENTLY, {"Location": raw_path + "/"})
        else:
            with path.open("rb") as file:
                self.send_file(path, file, with_body=with_body)

    def send_file(self, path: Path, file: BinaryIO, *, with_body: bool) -> None:
        """Send one open file, compressed where that is allowed: 200, 206, 304 or 416."""
        status = os.fstat(file.fileno())
        asked = self.headers.get("Range")
        packed = None if asked else self.packed(path, status)
        tag = f'"{status.st_mtime_ns:x}-{status.st_size:x}{"-gz" if packed else ""}"'
        headers = {
            "ETag": tag,
            "Last-Modified": formatdate(status.st_mtime, usegmt=True),
            "Cache-Control": caching(path.name),
        }
        if is_compressible(path.name):
            headers["Vary"] = "Accept-Encoding"
        if tag in self.headers.get("If-None-Match", ""):
            self.send_empty(HTTPStatus.NOT_MODIFIED, headers)
        elif packed:
            headers |= {"Content-Type": media_type(path.name), "Content-Encoding": "gzip"}
            self.send_response(HTTPStatus.OK)
            self.send_fields(headers, len(packed))
            if with_body:
                self.wfile.write(packed)
        else:
            if self.headers.get("If-Range", tag) != tag:
                asked = None  # the file has changed since: the whole of it
            self.send_plain(path, file, asked, headers, with_body=with_body)

    def packed(self, path: Path, status: os.stat_result) -> bytes | None:
        """The file in gzip, if the browser takes it and there is something to gain."""
        if not accepts_gzip(self.headers.get("Accept-Encoding")):
            return None
        return self.server.gzip_forms.of(path, status)

    def send_plain(
        self, path: Path, file: BinaryIO, asked: str | None, headers: dict[str, str], *, with_body: bool
    ) -> None:  # fmt: skip
        """Send a file as it is, whole or in part."""
        size = os.fstat(file.fileno()).st_size
        try:
            part = parse_range(asked, size)
        except ValueError:
            headers["Content-Range"] = f"bytes */{size}"
            self.send_empty(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers)
            return
        start, end = part or (0, size)
        self.send_response(HTTPStatus.PARTIAL_CONTENT if part else HTTPStatus.OK)
        if part:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        self.send_fields({"Content-Type": media_type(path.name), **headers}, end - start)
        if with_body:
            file.seek(start)
            copy(file, self.wfile.write, end - start)

    def send_fields(self, headers: dict[str, str], length: int) -> None:
        """Send headers, those that every answer has included."""
        everywhere = {
            "Accept-Ranges": "bytes",
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Expose-Headers": "Content-Range, Content-Length, ETag",
            "Cross-Origin-Resource-Policy": "cross-origin",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Content-Length": str(length),
        }
        if self.server.policy:
            everywhere["Content-Security-Policy"] = self.server.policy
        for name, value in (everywhere | headers).items():
            self.send_header(name, value)
        self.end_headers()

    def send_empty(self, status: HTTPStatus, headers: dict[str, str]) -> None:
        """Send an answer that is only headers."""
        self.send_response(status)
        self.send_fields(headers, 0)

    def refuse(self, status: HTTPStatus, *, with_body: bool) -> None:
        """Send a short refusal in plain text."""
        body = f"{status.value} {status.phrase}\n".encode()
        self.send_response(status)
        headers = {"Content-Type": TYPES[".txt"], "Cache-Control": "no-store"}
        self.send_fields(headers, len(body))
        if with_body:
            self.wfile.write(body)


def find_file(folder: Path, raw_path: str) -> Path | None:
    """The file that a request's path names; None if there is none, or it is outside `folder`."""
    name = urllib.parse.unquote(raw_path)
    if "\0" in name or "\\" in name:
        return None
    path = (folder / name.lstrip("/")).resolve()
    if not path.is_relative_to(folder):
        return None
    if path.is_dir() and raw_path.endswith("/"):
        path = path / "index.html"
    return path if path.is_file() or path.is_dir() else None


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """(start, end) of a `Range: bytes=…` header; None for the whole. ValueError: nothing there."""
    match = re.fullmatch(r"\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*", header or "")
    if not match or not any(match.groups()):
        return None  # absent, malformed or several ranges: the whole file is a legal answer
    first, last = match.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return None
    if start >= end:
        raise ValueError(header)
    return start, end


def media_type(name: str) -> str:
    """The Content-Type of a file: our own table first, for systems differ in theirs."""
    suffix = Path(name).suffix.lower()
    return TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"


def caching(name: str) -> str:
    """For ever if the name carries a hash; else asked for again each time."""
    if HASHED_NAME.search(name):
        return "public, max-age=31536000, immutable"
    return "no-cache"


def page_policy(folder: Path) -> str | None:
    """The Content-Security-Policy that index.html declares: one policy, one home."""
    page = folder / "index.html"
    if not page.is_file():
        return None
    match = META_POLICY.search(page.read_text(encoding="utf-8"))
    return " ".join(match.group(1).split()) if match else None


def copy(source: BinaryIO, write: Callable[[bytes], object], count: int) -> None:
    """Copy `count` bytes, a piece at a time."""
    while count > 0:
        piece = source.read(min(COPY_BYTES, count))
        if not piece:
            break
        write(piece)
        count -= len(piece)


def serve_forever(server: SiteServer) -> None:
    """Serve until Ctrl-C."""
    with server, contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()

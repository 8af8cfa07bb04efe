"""A stand-in for the Hub on this machine: what huggingface_hub asks when it downloads a model.

Model info, the tree of files, and files with HEAD, ETag, X-Repo-Commit and ranges; large files lie on
another host, which wants no token. It can gate a model, take tokens, break a file off once, and it
remembers what it was asked.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = ".safetensors"


@dataclass
class Hub:
    """One model at one commit, and how the server behaves."""

    repo: str
    files: dict[str, bytes]
    gated: bool = False
    token: str | None = None  # the only one that is let in, where there is one
    break_at: dict[str, int] = field(default_factory=dict)  # bytes after which a file breaks off
    then_refuse: bool = False  # once a file has broken off, it is not to be had
    claimed: dict[str, int] = field(default_factory=dict)  # sizes that are told, not true
    damaged: set[str] = field(default_factory=set)  # files that lose a bit on their way
    seen: list[tuple[str, str, str | None]] = field(default_factory=list)  # method, file, range
    address: str = ""

    @classmethod
    def of(cls, repo: str, folder: Path) -> "Hub":
        """A model with the files of a folder."""
        files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        return cls(repo, files)

    def ranges(self, name: str) -> list[str | None]:
        """The Range of every GET of a file."""
        return [found for method, file, found in self.seen if (method, file) == ("GET", name)]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def do_HEAD(self):
        self._answer(with_body=False)

    def do_GET(self):
        self._answer(with_body=True)

    def _answer(self, with_body):
        hub, path = self.hub, self.path.split("?")[0]
        authorization = self.headers.get("Authorization")
        if path.startswith("/cdn/"):
            if authorization:
                self._refuse(400, "", "Only one auth mechanism allowed")
            else:
                self._answer_file(path.removeprefix("/cdn/"), with_body)
        elif hub.token and authorization and authorization != f"Bearer {hub.token}":
            self._refuse(401, "", "Invalid credentials in Authorization header")
        elif path.startswith(f"/api/models/{hub.repo}/"):
            self._answer_api(path.removeprefix(f"/api/models/{hub.repo}/"))
        elif path.startswith(f"/{hub.repo}/resolve/"):
            self._answer_resolve(path.removeprefix(f"/{hub.repo}/resolve/"), with_body)
        else:
            self._refuse(401, "RepoNotFound", "Repository not found")

    def _answer_resolve(self, rest, with_body):
        revision, _, name = rest.partition("/")
        if self.hub.gated and not self.headers.get("Authorization"):
            self._refuse(401, "GatedRepo", "Access to this model is restricted.")
        elif name not in self.hub.files:
            self._refuse(404, "EntryNotFound", f"no {name} at {revision}")
        elif name.endswith(LARGE):
            self._answer_elsewhere(name)
        else:
            self._answer_file(name, with_body)

    def _answer_api(self, rest):
        kind, _, revision = rest.partition("/")
        if revision not in ("main", COMMIT):
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        elif kind == "tree":
            self._json([self._entry(name, data) for name, data in self.hub.files.items()])
        else:
            self._json({"id": self.hub.repo, "sha": COMMIT, "siblings": []})

    def _entry(self, name, data):
        entry = {"type": "file", "path": name, "size": len(data), "oid": _git_hash(data)}
        if name.endswith(LARGE):
            entry["lfs"] = {"oid": _etag(name, data), "size": len(data), "pointerSize": 130}
        return entry

    def _answer_elsewhere(self, name):
        """Where a large file lies; the name of another host, though it is this server again."""
        data = self.hub.files[name]
        if self.command == "HEAD":
            self.hub.seen.append(("HEAD", name, None))
        self.send_response(302)
        elsewhere = self.hub.address.replace("127.0.0.1", "localhost")
        self.send_header("Location", f"{elsewhere}/cdn/{name}")
        self.send_header("X-Linked-Etag", f'"{_etag(name, data)}"')
        self.send_header("X-Linked-Size", str(self.hub.claimed.get(name, len(data))))
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _answer_file(self, name, with_body):
        hub, data, wanted = self.hub, self.hub.files[name], self.headers.get("Range")
        hub.seen.append((self.command, name, wanted))
        broke = name in hub.break_at and len(hub.ranges(name)) > 1
        if broke and hub.then_refuse:
            self._refuse(503, "", "the stand-in is tired")
            return
        first, last = 0, len(data) - 1
        if wanted:
            low, _, high = wanted.removeprefix("bytes=").partition("-")
            first, last = int(low), min(int(high or last), last)
        body = data[first : last + 1]
        if name in hub.damaged:
            body = body[:-1] + bytes([body[-1] ^ 1])
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
        self.send_header("Content-Length", str(len(body) if with_body else len(data)))
        self.send_header("ETag", f'"{_etag(name, data)}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if not with_body:
            return
        if name in hub.break_at and not broke:
            self.wfile.write(body[: hub.break_at[name]])
            self.wfile.flush()
            self.close_connection = True
        else:
            self.wfile.write(body)

    def _json(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _refuse(self, status, code, message):
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("X-Error-Message", message)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args):
        pass


def _git_hash(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _etag(name: str, data: bytes) -> str:
    """A large file's SHA-256, a small one's hash in git."""
    return hashlib.sha256(data).hexdigest() if name.endswith(LARGE) else _git_hash(data)


@contextmanager
def serve_hub(hub: Hub) -> Iterator[Hub]:
    """The hub with its address, until the block ends."""
    handler = type("Handler", (_Handler,), {"hub": hub})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        hub.address = f"http://127.0.0.1:{server.server_port}"
        try:
            yield hub
        finally:
            server.shutdown()

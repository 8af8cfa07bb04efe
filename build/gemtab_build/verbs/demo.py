"""gemtab demo: the embedded model's site, built, served, and tried in a browser if asked."""

import argparse
import hashlib
import threading
from pathlib import Path

from gemtab.contracts.errors import UsageError
from gemtab_build.run.setup_browser import set_up_chromium
from gemtab_build.run.try_page import ask_page
from gemtab_build.site.pyodide_assets import ROOT
from gemtab_build.site.serve import SiteServer, serve_forever
from gemtab_build.verbs import build

QUESTION = "Who are you?"
SOURCES = ("build/gemtab_build", "py_src", "wgsl", "web")


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb and its options."""
    verb = verbs.add_parser("demo", help="build the embedded model's site and serve it")
    verb.add_argument("--out", type=Path, default=ROOT / "dist" / "demo", help="(dist/demo)")
    verb.add_argument("--port", type=int, help="0 picks a free one (8000, or the next free)")
    verb.add_argument("--check", action="store_true", help="ask it one thing in Chromium, and end")
    verb.add_argument("--ask", default=QUESTION, help="what --check asks (%(default)s)")
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Build what is not up to date, then serve, or ask and end."""
    build_demo(args.out)
    if args.check:
        return check(args.out, args.ask)
    server = open_server(args.out, args.port)
    print(f"Gemtab's demo is at {server.url} (Ctrl-C stops it)", flush=True)
    serve_forever(server)
    return 0


def build_demo(out: Path) -> None:
    """Build the demo into `out` unless its sources are those of the last build."""
    stamp = out / ".built"
    key = source_key()
    if stamp.exists() and stamp.read_text(encoding="utf-8") == key:
        return
    parser = argparse.ArgumentParser()
    build.add(parser.add_subparsers())
    build.run(parser.parse_args(["build", "demo", "--out", str(out)]))
    stamp.write_text(key, encoding="utf-8")


def source_key() -> str:
    """A hash over every file that the demo is made of."""
    total = hashlib.sha256()
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                total.update(f"{path.relative_to(ROOT).as_posix()}\0".encode())
                total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def open_server(out: Path, port: int | None) -> SiteServer:
    """A server on the port asked for; on 8000 or a free one when none was."""
    if port is not None:
        return SiteServer(out, port)
    try:
        return SiteServer(out, 8000)
    except UsageError:
        return SiteServer(out, 0)


def check(out: Path, question: str) -> int:
    """Ask the page one thing in headless Chromium and print its reply; 0 if there was one."""
    set_up_chromium()
    server = SiteServer(out)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        reply = ask_page(server.url, question)
    finally:
        server.shutdown()
        server.server_close()
    print(f"> {question}\n{reply}")
    return 0 if reply else 1

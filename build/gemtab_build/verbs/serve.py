"""gemtab serve DIR: a web server for a built site, on this machine alone."""

import argparse
from pathlib import Path

from gemtab_build.site.serve import SiteServer, serve_forever


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb and its options."""
    verb = verbs.add_parser("serve", help="serve a built site on this machine")
    verb.add_argument("folder", metavar="DIR", type=Path, help="what `gemtab build` wrote")
    verb.add_argument("--port", type=int, default=8000, help="0 picks a free one (%(default)s)")
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    server = SiteServer(args.folder, args.port)
    print(f"{args.folder} is at {server.url} (Ctrl-C stops it)", flush=True)
    serve_forever(server)
    return 0

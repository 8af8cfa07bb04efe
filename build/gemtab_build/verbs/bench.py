"""gemtab bench DIR: speed, which is not measured yet; its place in the command is kept."""

import argparse
from pathlib import Path

from gemtab.contracts.errors import UsageError


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb and its options."""
    verb = verbs.add_parser("bench", help="speed of prompts and replies (not yet)")
    verb.add_argument("dir", metavar="DIR", type=Path, help="what `gemtab build` wrote")
    verb.add_argument("--on", choices=("native", "browser"), default="native", help="(%(default)s)")
    verb.add_argument("--json", action="store_true", help="print JSON")
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Say that it is not there, and what is."""
    raise UsageError(
        f"gemtab bench cannot measure {args.dir} yet. `gemtab run {args.dir} --prompt Hi --json` "
        f"tells the timing of one reply."
    )

"""gemtab verify DIR: every hash, every tensor, every shader."""

import argparse
from pathlib import Path

from gemtab_build.artifact import open_artifact
from gemtab_build.progress import bar
from gemtab_build.verify import verify_artifact


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb and its options."""
    verb = verbs.add_parser("verify", help="check every hash, tensor and shader of a site")
    verb.add_argument("folder", metavar="DIR", type=Path, help="what `gemtab build` wrote")
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Verify, and print a line for each thing found in order."""
    manifest, folder = open_artifact(args.folder)
    with bar("Verifying") as report:
        lines = verify_artifact(manifest, folder, report)
    print("\n".join(lines))
    return 0

"""The `gemtab` command: collects the verbs, runs one, turns errors into a line and a code.

0 done; 1 our failure or a damaged artifact; 2 the caller's mistake; 130 interrupted.
"""

import argparse
import importlib
import importlib.util
import sys
from collections.abc import Sequence

from gemtab.contracts.errors import GemtabError, UsageError

VERBS = (
    "demo", "build", "serve", "run", "inspect", "verify", "tokenize", "prompt", "parse", "logits",
    "export", "bench", "doctor",
)  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; its exit code."""
    parser = make_parser()
    try:
        args = parser.parse_args(argv)
    except SystemExit as ended:  # argparse has said what is wrong, or printed the help
        return ended.code if isinstance(ended.code, int) else 2
    try:
        return int(args.run(args) or 0)
    except UsageError as error:
        return _fail(error, 2)
    except GemtabError as error:
        return _fail(error, 1)
    except BrokenPipeError:
        return 0
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _fail(f"{where}{error.strerror or error}.", 2)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def make_parser() -> argparse.ArgumentParser:
    """The parser with every verb that is there."""
    parser = argparse.ArgumentParser(
        prog="gemtab", description="Gemma 4 in a browser tab: build, try and measure."
    )
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    for verb in VERBS:
        name = f"gemtab_build.verbs.{verb}"
        if importlib.util.find_spec(name) is not None:
            importlib.import_module(name).add(verbs)
    return parser


def entry() -> None:
    """What the installed command calls."""
    sys.exit(main())


def _fail(error: object, code: int) -> int:
    print("error: " + " ".join(str(error).split()), file=sys.stderr)
    return code


if __name__ == "__main__":
    entry()

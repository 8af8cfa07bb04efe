"""The `gemtab` command: collects the verbs, runs one, turns errors into a line and a code.

0 done; 1 a failure of ours; 2 something that the caller can mend; 130, 143 interrupted.
"""

import argparse
import importlib
import importlib.util
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn

from gemtab.contracts.errors import GemtabError, ShapeError, UsageError

VERBS = (
    "demo", "build", "serve", "run", "inspect", "verify", "tokenize", "prompt", "parse", "logits",
    "export", "bench", "doctor",
)  # fmt: skip
INTERRUPTED = 128 + signal.SIGINT


class Parser(argparse.ArgumentParser):
    """A parser whose mistakes are one line, like all others."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and where help is."""
        raise UsageError(f"{message} ({self.prog} --help lists what there is)")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; its exit code."""
    try:
        args = make_parser().parse_args(argv)
        return int(args.run(args) or 0)
    except SystemExit as ended:  # the help, or a signal
        return ended.code if isinstance(ended.code, int) else 2
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)
    except BrokenPipeError:  # nobody reads any more; nor does Python need to flush at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _fail(f"{where}{error.strerror or error}.", 2)
    except GemtabError as error:
        return _fail(error, 1 if isinstance(error, ShapeError) else 2)
    except Exception as error:
        if os.environ.get("GEMTAB_TRACEBACK"):
            raise
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}:{place.lineno}"
        hint = "This is a fault of Gemtab; GEMTAB_TRACEBACK=1 shows where."
        return _fail(f"{type(error).__name__} in {where}: {str(error).rstrip('.')}. {hint}", 1)


def make_parser() -> argparse.ArgumentParser:
    """The parser with every verb that is there."""
    parser = Parser(prog="gemtab", description="Gemma 4 in a browser tab: build, try and measure.")
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    for verb in VERBS:
        name = f"gemtab_build.verbs.{verb}"
        if importlib.util.find_spec(name) is not None:
            importlib.import_module(name).add(verbs)
    return parser


def entry() -> None:
    """What the installed command calls."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _end)
    sys.exit(main())


def _end(number: int, _: object) -> NoReturn:
    """End by the way of an exception, so that what was begun is cleaned up."""
    signal.signal(number, signal.SIG_IGN)  # a second one must not stop that
    raise SystemExit(128 + number)


def _fail(error: object, code: int) -> int:
    print("error: " + " ".join(str(error).split()), file=sys.stderr)
    return code


if __name__ == "__main__":
    entry()

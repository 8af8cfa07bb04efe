"""Options of a build that are about quality, and the mistakes that can be made with them."""

import argparse
from pathlib import Path

from gemtab.contracts.errors import UsageError


def add_quality_options(verb: argparse.ArgumentParser) -> None:
    """Declare them."""
    group = verb.add_argument_group("quality of q4 and q8")
    group.add_argument(
        "--plain", action="store_true", help="scales by Q4_0's and Q8_0's rules, without a search"
    )
    group.add_argument(
        "--calibrate", metavar="TEXT", type=Path,
        help="weigh errors by what the unquantized model makes of this UTF-8 text",
    )  # fmt: skip
    group.add_argument(
        "--report",
        metavar="FILE",
        type=Path,
        help="write the errors of tensors as JSON, print a table",
    )
    group.add_argument(
        "--text", metavar="TEXT", type=Path,
        help="report perplexity and KL divergence on this text (what --calibrate left out of its own)",
    )  # fmt: skip


def check_quality_options(args: argparse.Namespace) -> None:
    """UsageError for what does not go together, before any long work."""
    if args.calibrate and (args.plain or args.weights in ("f32", "f16")):
        other = "--plain" if args.plain else f"--weights {args.weights}"
        raise UsageError(f"--calibrate serves the search for scales, which {other} leaves out.")
    if args.text and not args.report:
        raise UsageError("--text is for a report. Name its file with --report FILE.")
    if args.report and (args.report.is_dir() or not args.report.absolute().parent.is_dir()):
        raise UsageError(f"--report {args.report}: give a file in a folder that exists.")


def wants_judge(args: argparse.Namespace) -> bool:
    """Whether anything is to be measured."""
    return bool(args.calibrate or args.report)

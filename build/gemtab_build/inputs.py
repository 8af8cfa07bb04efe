"""What a person hands to a verb: a text, or a file of JSON."""

import argparse
import json
from pathlib import Path
from typing import Any

from gemtab.contracts.errors import UsageError


def add_text(verb: argparse.ArgumentParser) -> None:
    """Options for a text: itself, or the file that holds it."""
    choice = verb.add_mutually_exclusive_group(required=True)
    choice.add_argument("--text", metavar="T", help="the text itself")
    choice.add_argument("--file", metavar="F", type=Path, help="a UTF-8 file that holds it")


def text_of(args: argparse.Namespace) -> str:
    """The text that `add_text` asked for, newlines as they are."""
    return args.text if args.text is not None else read_text(args.file)


def read_text(path: Path) -> str:
    """A UTF-8 file; UsageError names it when it cannot be read."""
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 ({error.reason} at byte {error.start}).") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error


def read_list(path: Path) -> list[Any]:
    """A JSON list from a file; UsageError names the file otherwise."""
    try:
        data = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON: {error}.") from error
    if not isinstance(data, list):
        raise UsageError(f"{path} holds no JSON list. Give a list of objects.")
    return data

"""What a person hands to a verb, a text or a file of JSON, and the file that a verb writes."""

import argparse
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from gemtab.contracts.errors import UsageError
from gemtab.text.guard import strings_in

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def add_text(verb: argparse.ArgumentParser) -> None:
    """Options for a text: itself, or the file that holds it."""
    choice = verb.add_mutually_exclusive_group(required=True)
    choice.add_argument("--text", metavar="T", help="the text itself")
    choice.add_argument("--file", metavar="F", type=Path, help="a UTF-8 file that holds it")


def text_of(args: argparse.Namespace) -> str:
    """The text that `add_text` asked for, newlines as they are."""
    return whole_text(args.text, "--text") if args.text is not None else read_text(args.file)


def whole_text(text: str, what: str) -> str:
    """The text; UsageError if it holds what is no character, as a command line may."""
    if found := _LONE_SURROGATE.search(text):
        raise UsageError(
            f"{what} holds half a character (U+{ord(found[0]):04X} at {found.start()}). Give UTF-8."
        )
    return text


def read_text(path: Path) -> str:
    """A UTF-8 file; UsageError names it when it cannot be read."""
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 ({error.reason} at byte {error.start}).") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error


def read_list(path: Path, what: str) -> list[Any]:
    """A JSON list of `what` from a file; UsageError names the file otherwise."""
    text = read_text(path)
    try:
        data = json.loads(text, parse_constant=_no_constant)
        for string in strings_in(data):
            whole_text(string, str(path))
    except RecursionError:
        raise UsageError(f"{path} is nested too deeply. Give a list of {what}.") from None
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}. Give a list of {what}.") from error
    if not isinstance(data, list):
        raise UsageError(f"{path} holds no JSON list. Give a list of {what}.")
    return data


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON's")


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A stream whose bytes become the file when the block ends well; else the file is as it was."""
    path = path.resolve()
    if path.is_dir() or not path.parent.is_dir():
        raise UsageError(f"{path} cannot be written: no file can be there. Choose another --out.")
    is_device = path.exists() and not path.is_file()
    partial = path if is_device else path.with_name(f".{path.name}.gemtab")
    try:
        with partial.open("wb") as stream:
            yield stream
        partial.replace(path)
    except OSError as error:
        if error.filename:
            raise
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        if not is_device:
            partial.unlink(missing_ok=True)

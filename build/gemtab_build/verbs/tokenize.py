"""gemtab tokenize DIR: a text's ids."""

import argparse
import json
from pathlib import Path

from gemtab.text.tokenizer import Tokenizer
from gemtab.weights.files import FileArtifact
from gemtab_build.inputs import add_text, text_of


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb and its options."""
    verb = verbs.add_parser("tokenize", help="a text's ids, as JSON")
    verb.add_argument("folder", metavar="DIR", type=Path, help="what `gemtab build` wrote")
    add_text(verb)
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the ids; special strings are special, none is added."""
    tokenizer = Tokenizer.from_bytes(FileArtifact(args.folder).file("tokenizer"))
    print(json.dumps(tokenizer.encode(text_of(args))))
    return 0

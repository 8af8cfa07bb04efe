"""gemtab parse: a raw reply's thought, text and calls."""

import argparse
import json

from gemtab.text.response import parse
from gemtab_build.inputs import add_text, text_of


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb and its options."""
    verb = verbs.add_parser("parse", help="a raw reply's thought, text and calls, as JSON")
    add_text(verb)
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the parts."""
    print(json.dumps(parse(text_of(args)).to_json(), ensure_ascii=False))
    return 0

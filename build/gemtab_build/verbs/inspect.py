"""gemtab inspect MODEL|DIR: config, sizes, memory, what a device needs."""

import argparse
import json
from collections.abc import Mapping
from typing import Any

from gemtab_build.inspect_model import inspect


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb and its options."""
    verb = verbs.add_parser("inspect", help="a model's sizes, memory and needs")
    verb.add_argument(
        "model", metavar="MODEL", help="a checkpoint, a Hub id, demo, or a built site"
    )
    verb.add_argument("--revision", metavar="R", help="branch, tag or commit of a Hub id")
    verb.add_argument("--json", action="store_true", help="print JSON")
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the facts."""
    facts = inspect(args.model, args.revision)
    if args.json:
        print(json.dumps(facts, indent=2))
        return 0
    config = facts["config"]
    print(f"{facts['kind']}: {facts['parameters']:,} parameters, {len(config['layers'])} layers, "
          f"hidden {config['hidden']}, vocabulary {config['vocab']:,}")  # fmt: skip
    for name, tensor in facts["tensors"].items():
        shape = "x".join(map(str, tensor["shape"]))
        print(f"  {name:<32} {shape:>14} {tensor['encoding']} {tensor['bytes']:>14,} B")
    for encoding, size in facts["weight_bytes_by_encoding"].items():
        print(f"weights in {encoding}: {size:,} B")
    for context, size in facts["kv_bytes_f16"].items():
        print(f"K and V of {context} tokens at f16: {size:,} B")
    print(f"largest plane: {facts['device']['largest_plane']:,} B")
    _print_needs(facts["needs"])
    for note in facts["notes"]:
        print(f"note: {note}")
    return 0


def _print_needs(needs: Mapping[str, Any]) -> None:
    """What a device needs."""
    print(f"on the GPU: {needs['weights']:,} B of weights; {needs['table']:,} B of per-layer "
          f"embeddings, there or on disk")  # fmt: skip
    for context, at in needs["contexts"].items():
        total = needs["weights"] + at["cache"] + at["scratch"]
        print(f"memory at a context of {context}: {total:,} B, "
              f"a binding of at least {at['binding']:,} B")  # fmt: skip
    print(f"a token reads {needs['token']:,} B of weights")
    print(f"needed before the first reply: {needs['start']:.0%} of the download")

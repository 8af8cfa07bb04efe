"""gemtab doctor: what this machine has of what Gemtab can use."""

import argparse
import json

from gemtab_build.doctor import examine, missing_hint


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb and its options."""
    verb = verbs.add_parser("doctor", help="what this machine has: Node, Chromium, adapters")
    verb.add_argument("--json", action="store_true", help="print JSON")
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Examine the machine and print a line for each finding."""
    findings = examine()
    if args.json:
        print(json.dumps(findings, indent=2))
        return 0
    for subject, lines in findings.items():
        for line in lines or [f"not found; {missing_hint(subject)}"]:
            print(f"{subject:<9} {line}")
    return 0

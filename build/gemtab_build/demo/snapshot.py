"""Export what a running or finished training has saved so far.

`python -m gemtab_build.demo.snapshot --work DIR --out FOLDER`
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from gemtab_build.demo.export import export


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    export(torch.load(arguments.work / "state.pt")["parameters"], arguments.out)


if __name__ == "__main__":
    main()

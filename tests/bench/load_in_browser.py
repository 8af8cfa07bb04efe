"""Load a built site twice in headless Chromium with a profile on disk, and tell what it took.

`python tests/bench/load_in_browser.py DIR [--tokens N] [--context N] [--ple disk|gpu]`, with py_src and
build on PYTHONPATH. The ids are compared with the native executor's. Peak memory is Linux's VmHWM.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

from gemtab_build.run.browser_runner import BrowserRunner
from gemtab_build.run.runner import NativeRunner

PORT = 8797  # the same for both loads: what is stored belongs to an origin
PROMPT = [2, 105, 2364, 107]


def peaks() -> dict[str, int]:
    """MiB at most of each kind of Chromium's processes, the largest of its kind."""
    found: dict[str, int] = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            command = (status.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            peak = next(line for line in status.read_text().splitlines() if "VmHWM" in line)
        except (OSError, StopIteration):
            continue
        if "chrom" not in command or "--type=" not in command:
            continue
        kind = command.partition("--type=")[2].split()[0]
        found[kind] = max(found.get(kind, 0), int(peak.split()[1]) >> 10)
    return found


def visit(args: argparse.Namespace, profile: Path) -> dict[str, object]:
    """One visit: load, continue the prompt, and what both took."""
    began = time.perf_counter()
    runner = BrowserRunner(args.dir, "f16", None, args.context, args.ple, profile, PORT)
    with runner:
        loaded = time.perf_counter() - began
        run = runner.continue_ids(PROMPT, args.tokens)
        weights = runner.weights_progress()
        return {
            "ids": run.ids,
            "seconds_to_ready": round(loaded, 1),
            "seconds_to_first_token": round(loaded + run.timing["first"], 1),
            "seconds_a_token": round(
                (run.timing["total"] - run.timing["first"]) / max(1, len(run.ids) - 1), 2
            ),
            "weight_bytes": weights.get("total"),
            "bytes_at_hand": weights.get("done"),
            "bytes_fetched": weights.get("fetched"),
            "peak_mib": peaks(),
        }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dir", type=Path)
    parser.add_argument("--tokens", type=int, default=3)
    parser.add_argument("--context", type=int, default=512)
    parser.add_argument("--ple", choices=("disk", "gpu", "auto"), default="disk")
    parser.add_argument("--profile", type=Path, help="a folder to keep; else a temporary one")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gemtab-profile-") as temporary:
        profile = args.profile or Path(temporary)
        visits = [visit(args, profile) for _ in range(2)]
    native = NativeRunner(args.dir, "f16", None, args.context, lambda *_: None, args.ple)
    ids = native.continue_ids(PROMPT, args.tokens).ids
    same = all(one["ids"] == ids for one in visits)
    print(
        json.dumps(
            {"first": visits[0], "second": visits[1], "native_ids": ids, "same_ids": same}, indent=1
        )
    )


if __name__ == "__main__":
    main()

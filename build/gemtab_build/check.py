"""gemtab test: every check in order, one line each; pytest's own summary comes last."""

import argparse
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from gemtab_build.node import find_node, npm_command
from gemtab_build.run.setup_browser import set_up_chromium, set_up_firefox, set_up_vulkan

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "web"
Step = tuple[str, list[str], Path]  # a name, a command, the folder it runs in
HELPERS = ROOT / "tests" / "helpers"
FETCHED = {  # by scripts of HELPERS; what lacks without
    "fetch_tokenizers.py": "the real vocabularies could not be fetched: their tests will skip",
    "fetch_lavapipe.py": "no lavapipe of Mesa 25 could be fetched (Debian's apt-get does): Tint will lack shader-f16",
}
FETCH_SECONDS = 180
NO_TESTS = 5  # pytest's exit code when a folder has none


def main(argv: Sequence[str] | None = None) -> int:
    """Run the checks; 0 when all of them pass."""
    args = parser().parse_args(argv)
    if not args.fast:
        set_up_vulkan()
        set_up_chromium()
        set_up_firefox()
        for script, lacking in FETCHED.items():
            fetch(script, lacking)
    failed = [step[0] for step in [*steps(), *page_steps()] if not passes(*step)]
    if failed:
        print(f"failed before pytest: {', '.join(failed)}", flush=True)
    return 1 if run_pytest(args) or failed else 0  # pytest's summary is the last line


def fetch(script: str, lacking: str) -> None:
    """Run a script that fetches what tests want and is not there yet; say what lacks if it fails."""
    try:
        done = subprocess.run(
            [sys.executable, str(HELPERS / script)],
            capture_output=True, check=False, env=environment(), timeout=FETCH_SECONDS,
        )  # fmt: skip
        fetched = done.returncode == 0
    except subprocess.TimeoutExpired:
        fetched = False
    if not fetched:
        print(lacking, flush=True)


def parser() -> argparse.ArgumentParser:
    """The options of `gemtab test`."""
    options = argparse.ArgumentParser(prog="gemtab test", description=__doc__)
    options.add_argument("--fast", action="store_true", help="leave out gpu and browser")
    options.add_argument("--parity", action="store_true", help="compare with transformers, live")
    options.add_argument("tests", nargs="*", help="files or folders for pytest (tests)")
    return options


def steps() -> list[Step]:
    """The checks of the Python, before pytest."""
    python = sys.executable
    tools = Path(python).parent
    return [
        ("ruff check", [python, "-m", "ruff", "check", "."], ROOT),
        ("ruff format", [python, "-m", "ruff", "format", "--check", "."], ROOT),
        ("mypy --strict", [python, "-m", "mypy"], ROOT),
        ("import-linter", [str(tools / "lint-imports")], ROOT),
    ]


def page_steps() -> list[Step]:
    """The page's checks, where there is a Node to run them."""
    node, npm, modules = find_node(), npm_command(), WEB / "node_modules"
    pins = WEB / "package.json"
    if node is None or npm is None or not pins.exists():
        print(f"{'tsc, biome':<16} skipped: there is no Node")
        return []
    typescript, biome = modules / "typescript" / "bin", modules / "@biomejs" / "biome" / "bin"
    steps = [
        ("tsc", [str(node), str(typescript / "tsc"), "-p", "jsconfig.json"], WEB),
        ("biome", [str(node), str(biome / "biome"), "check"], WEB),
    ]
    digest, stamp = hashlib.sha256(pins.read_bytes()).hexdigest(), modules / ".installed"
    if not stamp.exists() or stamp.read_text() != digest:
        if not passes("npm install", [*npm, "install", "--no-save"], WEB):
            return steps  # each will fail and say why
        stamp.write_text(digest)
    return steps


def passes(name: str, command: list[str], folder: Path) -> bool:
    """Run one check and print its line; its output only if it fails."""
    start = time.monotonic()
    result = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env=environment()
    )
    verdict = "failed" if result.returncode else "ok"
    print(f"{name:<16} {verdict:<7} {time.monotonic() - start:6.1f} s", flush=True)
    if result.returncode:
        print(result.stdout + result.stderr, flush=True)
    return result.returncode == 0


def run_pytest(args: argparse.Namespace) -> int:
    """Run pytest over the tests that were asked for, with its output shown."""
    marks = [] if args.parity else ["not parity"]
    if args.fast:
        marks += ["not gpu", "not browser", "not slow"]
    command = [sys.executable, "-m", "pytest", "-q", *(args.tests or ["tests"])]
    if args.fast:
        command += ["--ignore=tests/gpu", "--ignore=tests/browser"]
    if not args.parity:
        command.append("--ignore=tests/parity")  # to look at these alone takes seconds: torch
    if marks:
        command += ["-m", " and ".join(marks)]
    code = subprocess.run(command, cwd=ROOT, check=False, env=environment()).returncode
    return 0 if code == NO_TESTS else code


def environment() -> dict[str, str]:
    """Ours, with the source roots and Node on the paths."""
    roots = [str(ROOT / "py_src"), str(ROOT / "build")]
    node = find_node()
    path = os.environ.get("PATH", "")
    if node is not None:  # npm starts node by its name
        path = os.pathsep.join([path, str(node.parent)])
    return dict(os.environ, PYTHONPATH=os.pathsep.join(roots), PATH=path)


if __name__ == "__main__":
    sys.exit(main())

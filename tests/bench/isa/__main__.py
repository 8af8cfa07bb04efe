"""What a GPU's own compiler makes of the kernels, on a machine without that GPU. Nothing runs.

`python -m bench.isa [KERNELS.json] [--form q4|mobile] [--gpu navi31] [--markdown]`, with py_src, build and tests on
PYTHONPATH. Debian 12 with gcc; the first run fetches Mesa 25 and headers with apt into `.cache/isa`.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.isa.compiler import FEATURES, Compiler
from bench.isa.e2b import FORMS, e2b_kernels
from bench.isa.figures import assembly, figures, loop_lines
from bench.isa.gpus import GPUS, Amd
from bench.isa.null_gpu import set_up

CACHE = Path(__file__).resolve().parents[3] / ".cache" / "isa"
KEPT = ("VGPRs", "LDS", "waves", "latency", "live", "fills", "cycles")  # columns of --markdown


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("kernels", type=Path, nargs="?", help="a site's kernels.json; else E2B's")
    parser.add_argument("--form", choices=FORMS, default="q4", help="of E2B's weights")
    parser.add_argument("--gpu", choices=GPUS, default="navi31")
    parser.add_argument("--match", default="", help="only kernels whose names begin so")
    parser.add_argument("--wave", type=int, help="lanes of a wave; else as Dawn asks for")
    parser.add_argument("--no-robustness", action="store_true", help="without clamps of indices")
    parser.add_argument("--loops", action="store_true", help="one turn of each loop too (AMD)")
    parser.add_argument("--markdown", action="store_true", help="a table's rows")
    parser.add_argument("--json", type=Path, help="where to write the table")
    parser.add_argument("--dump", type=Path, help="where to write each kernel's instructions")
    parser.add_argument("--cache", type=Path, default=CACHE, help="for what is fetched")
    return parser.parse_args()


def kernels_of(chosen: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Those of the file that was named, or E2B's."""
    if chosen.kernels is None:
        return e2b_kernels(chosen.form)
    found: dict[str, dict[str, Any]] = json.loads(chosen.kernels.read_text(encoding="utf-8"))
    return found


def line(name: str, row: dict[str, Any], markdown: bool, values: bool = False) -> str:
    """The titles of a row, or its values."""
    if markdown:
        cells = [row.get(title, "–") if values else title for title in KEPT]
        return "| " + " | ".join(map(str, [name, *cells])) + " |"
    return " ".join(f"{one:>8}" for one in (row.values() if values else row)) + f"  {name}"


def table(chosen: argparse.Namespace, compiler: Compiler) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows, printed as they are made."""
    gpu, first = GPUS[chosen.gpu], True
    kernels = kernels_of(chosen)
    for name in (one for one in kernels if one.startswith(chosen.match)):
        missing = set(kernels[name].get("features", ())) & set(FEATURES) - compiler.features
        if missing:
            print("    this GPU lacks", *missing, f"for {name}")
            continue
        compiled = compiler.compile(kernels[name]["wgsl"], kernels[name]["entry"])
        row = figures(compiled, gpu)
        if first:
            print(line("kernel", row, chosen.markdown))
        if first and chosen.markdown:
            print("|---" * (len(KEPT) + 1) + "|")
        first = False
        print(line(name, row, chosen.markdown, values=True), flush=True)
        if chosen.loops and isinstance(gpu, Amd):
            row["loops"] = loop_lines(compiled, gpu, 20)
            print(*row["loops"], sep="\n")
        if chosen.dump:
            (chosen.dump / f"{name}.s").write_text(assembly(compiled))
        yield name, row


def main() -> None:
    """Compile, and print."""
    chosen = options()
    for folder in (chosen.cache, chosen.dump):
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
    set_up(chosen.cache.resolve(), chosen.gpu, chosen.wave)
    compiler = Compiler(not chosen.no_robustness)
    print(compiler.name)
    print("Dawn's toggles:", *compiler.toggles)
    rows = dict(table(chosen, compiler))
    if chosen.json:
        chosen.json.write_text(json.dumps(rows, indent=1))
    sys.stdout.flush()
    Path(os.environ["ISA_OUT"]).unlink(missing_ok=True)
    os._exit(0)  # a driver without a GPU does not survive being let go of


if __name__ == "__main__":
    main()

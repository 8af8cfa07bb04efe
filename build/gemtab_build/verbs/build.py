"""gemtab build MODEL --out DIR: a checkpoint into a site."""

import argparse
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from gemtab.contracts.manifest import Manifest
from gemtab.contracts.quantization import WEIGHT_ENCODINGS
from gemtab.weights.files import weights_folder
from gemtab_build.artifact import write_artifact
from gemtab_build.checkpoint.model_source import find_model
from gemtab_build.checkpoint.packed import PACKED
from gemtab_build.progress import bar
from gemtab_build.quality.judge import open_judge, write_report
from gemtab_build.quality.options import add_quality_options, check_quality_options, wants_judge
from gemtab_build.quality.table import table
from gemtab_build.site.compress import precompress
from gemtab_build.site.kernels_file import kernels_json
from gemtab_build.site.replacing import MODEL, list_more, replacing
from gemtab_build.site.write import write_site
from gemtab_build.weights.quantize import Rounding
from gemtab_build.weights.weights_at import move_weights, origins_of

# bytes of weights: with fewer any kernel is quick, and a trial keeps a page waiting
WORTH_A_TRIAL = 4 << 20


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb and its options."""
    verb = verbs.add_parser("build", help="make a site of a checkpoint")
    verb.add_argument("model", metavar="MODEL", help="a Hugging Face folder, a Hub id, or demo")
    verb.add_argument("--revision", metavar="R", help="branch, tag or commit of a Hub id")
    verb.add_argument("--out", metavar="DIR", type=Path, required=True, help="where it goes")
    verb.add_argument("--weights", choices=("auto", *WEIGHT_ENCODINGS), default="auto")
    verb.add_argument("--model-only", action="store_true", help="DIR/model, without the page")
    verb.add_argument(
        "--weights-at",
        metavar="URL",
        help="the page has the weights from URL: byte ranges of a packed checkpoint's own files there, "
        "else shards, which go to DIR-weights",
    )
    verb.add_argument(
        "--weights-via",
        metavar="ORIGIN",
        nargs="+",
        default=[],
        help="origins that URL redirects to: the page's policy must let it follow",
    )
    verb.add_argument(
        "--kernels",
        choices=("auto", "all"),
        default="auto",
        help="auto leaves out, for a model so small that it does not pay, those that a device must try first",
    )
    verb.add_argument(
        "--precompress",
        action="store_true",
        help="write NAME.gz beside the files that gain by it, for hosts that send those (`serve` does)",
    )
    add_quality_options(verb)
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Build the artifact, then the page around it."""
    check_quality_options(args)
    origins = origins_of(args.weights_at, args.weights_via)
    with bar("Downloading") as report:
        source = find_model(args.model, args.revision, report)
    judge = open_judge(source.folder, args.calibrate, args.text) if wants_judge(args) else None
    rounding = Rounding(not args.plain, judge.importance() if judge else {})
    extra = partial(_kernels, args.kernels)
    with replacing(args.out) as new:
        with bar("Quantizing") as report:
            manifest = write_artifact(
                source, new / MODEL, args.weights, report, extra, rounding, args.weights_at
            )
        if not args.model_only:
            write_site(new, origins)
        if origins and manifest.weights != PACKED:
            shards = weights_folder(args.out)
            manifest = move_weights(manifest, new / MODEL, args.weights_at, shards)
        if args.precompress:
            list_more(new, precompress(new))
    for note in manifest.notes:
        print(f"note: {note}", file=sys.stderr)
    size = sum(source.bytes for source in manifest.sources)
    print(f"{args.out}: {manifest.model}, {manifest.weights}, {size / 1e6:.1f} MB of weights")
    if origins and manifest.weights == PACKED:
        there = sum(source.bytes for source in manifest.sources if "://" in source.url)
        print(f"{there / 1e6:.1f} MB of them are read from {args.weights_at}, as they are")
    elif origins:
        print(f"Upload the files of {weights_folder(args.out)} to {args.weights_at}")
    if judge and args.report:
        facts = judge.report(args.out, rounding)
        write_report(args.report, facts)
        print(table(facts))
    return 0


def _kernels(which: str, manifest: Manifest) -> Mapping[str, tuple[str, bytes]]:
    """The shaders that the model's plans need, as one JSON file."""
    is_small = sum(source.bytes for source in manifest.sources) < WORTH_A_TRIAL
    plain = is_small and which == "auto"
    return {"kernels": ("json", kernels_json(manifest.config, manifest.tensors, plain))}

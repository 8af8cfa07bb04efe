"""gemtab export DIR --out HF_DIR: de-quantised weights as a Hugging Face checkpoint."""

import argparse
import sys
from pathlib import Path

from gemtab_build.artifact import open_artifact
from gemtab_build.export import export_checkpoint
from gemtab_build.progress import bar


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb and its options."""
    verb = verbs.add_parser(
        "export",
        help="de-quantised weights as a Hugging Face checkpoint",
        description="Write the weights, de-quantised to f32, as a checkpoint that transformers loads. "
        "What a packed model rounds activations to (SRQ) has no place in it: its logits differ.",
    )
    verb.add_argument("folder", metavar="DIR", type=Path, help="what `gemtab build` wrote")
    verb.add_argument("--out", metavar="HF_DIR", type=Path, required=True, help="where it goes")
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Export, and say what an artifact does not hold."""
    manifest, folder = open_artifact(args.folder)
    with bar("Exporting") as report:
        export_checkpoint(manifest, folder, args.out, report)
    print("note: tokenizer.json is not in an artifact; copy it if you need it", file=sys.stderr)
    if any(tensor.srq for tensor in manifest.tensors.values()):
        print("note: this model rounds activations too (SRQ), which a checkpoint in f32 cannot say: "
              "its logits differ from the artifact's", file=sys.stderr)  # fmt: skip
    print(f"{args.out}: {len(manifest.tensors)} tensors in f32")
    return 0

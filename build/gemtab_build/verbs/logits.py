"""gemtab logits DIR: the softcapped logits of every position of a list of ids."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gemtab.contracts.errors import UsageError
from gemtab.contracts.quantization import KV_ENCODINGS
from gemtab.plan.memory import PLE_PLACES
from gemtab.weights.files import FileArtifact
from gemtab_build.inputs import read_list, whole_file
from gemtab_build.run.browser_runner import BrowserRunner
from gemtab_build.run.runner import NativeRunner, check_ids


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb and its options."""
    verb = verbs.add_parser("logits", help="logits of every position, as a .npy file")
    verb.add_argument("dir", type=Path, help="a built site")
    verb.add_argument("--ids", type=Path, required=True, help="a JSON list of token ids")
    verb.add_argument("--out", type=Path, required=True, help="f32 [tokens, vocab], .npy")
    add_executor_options(verb)
    verb.set_defaults(run=run)


def add_executor_options(verb: argparse.ArgumentParser) -> None:
    """Options that `logits` and `run` share."""
    verb.add_argument("--on", choices=("native", "browser"), default="native", help="(%(default)s)")
    verb.add_argument("--kv", choices=KV_ENCODINGS, default="f16", help="KV cache (%(default)s)")
    verb.add_argument("--chunk", type=int, help="prompt tokens run together (128)")
    where = "per-layer embeddings: whole on the GPU, or rows from disk (%(default)s: what fits)"
    verb.add_argument("--ple", choices=PLE_PLACES, default="auto", help=where)
    verb.add_argument("--context", type=int, help="positions the cache holds (4096)")


def run(args: argparse.Namespace) -> int:
    """Compute and write."""
    vocab = FileArtifact(args.dir).manifest.config.vocab
    ids = read_list(args.ids, "token ids")
    if not all(type(one) is int for one in ids) or not ids:
        raise UsageError(f"{args.ids} should hold a list of token ids, at least one.")
    check_ids(ids, vocab)
    with whole_file(args.out) as stream:
        np.save(stream, np.frombuffer(_compute(args, ids), "<f4").reshape(len(ids), vocab))
    return 0


def _compute(args: argparse.Namespace, ids: Sequence[int]) -> bytes:
    context = max(len(ids) + 1, 64) if args.context is None else args.context
    if args.on == "browser":
        with BrowserRunner(args.dir, args.kv, args.chunk, context, args.ple) as runner:
            return runner.logits(ids)
    native = NativeRunner(args.dir, args.kv, args.chunk, context, lambda *_: None, args.ple)
    return native.logits(ids)

"""gemtab bench DIR: speed at several lengths, GPU time by kernel, and what a token costs anywhere."""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gemtab.contracts.device_facts import DeviceFacts
from gemtab.contracts.speed import Speed
from gemtab.generate.fitting import fit_json
from gemtab.kernels.tuning import Tuning
from gemtab.plan.settings import Settings
from gemtab.weights.files import FileArtifact
from gemtab_build.run.bench import measure
from gemtab_build.run.browser_runner import BrowserRunner
from gemtab_build.run.costs import costs
from gemtab_build.run.kernel_times import kernel_times
from gemtab_build.run.runner import NativeRunner
from gemtab_build.verbs.logits import add_executor_options


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb and its options."""
    verb = verbs.add_parser("bench", help="speed of prompts and replies")
    verb.add_argument("dir", metavar="DIR", type=Path, help="what `gemtab build` wrote")
    verb.add_argument("--json", action="store_true", help="print JSON")
    verb.add_argument("--repeats", type=int, default=3, help="median of so many (%(default)s)")
    add_executor_options(verb)
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure, then print."""
    manifest = FileArtifact(args.dir).manifest
    anything = DeviceFacts("any", frozenset(), {"maxStorageBufferBindingSize": 2 << 30})
    context = Settings.chosen(manifest.config, anything, args.context, args.kv, args.chunk).capacity
    vocab = manifest.config.vocab

    def tell(what: str) -> None:
        if sys.stderr.isatty():
            print(f"measuring: {what}", file=sys.stderr)

    found: dict[str, Any] = {"model": manifest.model, "weights": manifest.weights, "on": args.on}
    if args.on == "browser":
        with BrowserRunner(args.dir, args.kv, args.chunk, args.context, args.ple) as browser:
            found |= {"device": browser.adapter, "fit": browser.fit}
            found |= measure(browser, vocab, context, args.repeats, tell)
    else:
        native = NativeRunner(
            args.dir, args.kv, args.chunk, args.context, lambda *_: None, args.ple
        )
        engine = native.engine
        found |= {"device": engine.device.facts.adapter, "fit": fit_json(engine.settings)}
        found |= measure(native, vocab, context, args.repeats, tell)
        tell("kernels")
        found["kernel_microseconds"] = kernel_times(native.artifact, native.engine.settings)
    found["costs"] = costs(manifest, context, args.kv)
    if args.json:
        print(json.dumps(found))
    else:
        _show(found)
    return 0


def _show(found: Mapping[str, Any]) -> None:
    print(f"{found['model']} ({found['weights']}) on {found['device']}, {found['on']}")
    print(f"picked for this device: {_fit_line(found['fit'])}")
    _table("prefill, tokens/s", "prompt", found["prefill_tokens_per_second"])
    _table("decode, tokens/s", "context", found["decode_tokens_per_second"])
    first = found["first_token_seconds"]
    _table("first token, s", "prompt", first["cold"])
    print(f"first token with a kept prefix, s: {first['kept_prefix']}")
    host = found["host_microseconds_per_token"]
    print(f"host time of a replied token, us: {', '.join(f'{k} {v:.0f}' for k, v in host.items())}")
    for name, program in found.get("kernel_microseconds", {}).items():
        total = sum(each["microseconds"] for each in program.values())
        print(f"GPU time of {name}, {total:.0f} us:")
        for template, each in sorted(program.items(), key=lambda one: -one[1]["microseconds"]):
            print(f"  {template:<12} {each['dispatches']:>4} x  {each['microseconds']:>9.0f} us")
    decode, prefill = found["costs"]["decode"], found["costs"]["prefill"]
    print(
        f"a decoded token at {decode['context']}: {decode['dispatches']} dispatches, "
        f"{decode['bytes'] / 1e6:.1f} MB, {decode['bytes_over_least']:.3f} times the least"
    )
    print(
        f"a prompt token: {prefill['matmul_macs_per_token'] / 1e6:.1f} M multiply-adds of matrices, "
        f"{prefill['attention_macs_per_token'] / 1e6:.1f} M of attention; "
        f"{prefill['dispatches']} dispatches a chunk of {prefill['tokens']}"
    )


def _fit_line(fit: Mapping[str, Any]) -> str:
    features = ", ".join(fit["features"]) or "no optional features"
    speed = Speed(**fit["speed"])
    return f"{features}; {Tuning(**fit['tuning'])}; chunks of {fit['chunk']}; {speed}"


def _table(title: str, key: str, values: Mapping[int, float]) -> None:
    cells = "  ".join(f"{key} {at}: {value}" for at, value in values.items())
    print(f"{title}: {cells}")

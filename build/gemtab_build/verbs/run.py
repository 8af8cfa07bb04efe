"""gemtab run DIR: one reply to a prompt or a conversation."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from gemtab.contracts.errors import UsageError
from gemtab.generate.sampling import GREEDY, Sampling, choose_sampling
from gemtab.text.messages import check_conversation, check_no_media
from gemtab.weights.files import FileArtifact
from gemtab_build.inputs import read_list, whole_text
from gemtab_build.run.browser_runner import BrowserRunner
from gemtab_build.run.runner import NativeRunner
from gemtab_build.verbs.logits import add_executor_options


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb and its options."""
    verb = verbs.add_parser("run", help="one reply to a prompt or a conversation")
    verb.add_argument("dir", type=Path, help="a built site")
    said = verb.add_mutually_exclusive_group(required=True)
    said.add_argument("--prompt", help="what the user says")
    said.add_argument("--messages", type=Path, help="a JSON list of messages")
    verb.add_argument("--tools", type=Path, help="a JSON list of tools")
    verb.add_argument("--thinking", action="store_true", help="let the model think first")
    for kind in ("image", "audio", "video"):
        verb.add_argument(f"--{kind}", action="append", help="not yet")
    verb.add_argument("--greedy", action="store_true", help="always the likeliest token")
    verb.add_argument("--temperature", type=float, help="0 is greedy (the model's own)")
    verb.add_argument("--top-k", type=int, help="(the model's own)")
    verb.add_argument("--top-p", type=float, help="(the model's own)")
    verb.add_argument("--seed", type=int, help="for the same reply again (a random one)")
    verb.add_argument("--max-tokens", type=int, help="(what the context holds)")
    verb.add_argument("--json", action="store_true", help="print JSON")
    add_executor_options(verb)
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Reply, streamed as text or whole as JSON."""
    for kind in ("image", "audio", "video"):
        if getattr(args, kind):
            raise UsageError(f"--{kind}: Gemtab does not read {kind}s yet. Ask with text.")
    if args.max_tokens is not None and args.max_tokens < 1:
        raise UsageError(f"--max-tokens is at least 1, got {args.max_tokens}.")
    if args.messages:
        messages = read_list(args.messages, "messages")
    else:
        messages = [{"role": "user", "content": whole_text(args.prompt, "--prompt")}]
    tools = read_list(args.tools, "tools") if args.tools else None
    check_conversation(messages, tools)
    check_no_media(messages)
    request = {
        "messages": messages, "tools": tools, "thinking": args.thinking, "max_tokens": args.max_tokens
    }  # fmt: skip
    reply = _reply(args, request, _sampling(args))
    print(json.dumps(reply) if args.json else "")
    return 0


def _reply(args: argparse.Namespace, request: dict[str, Any], sampling: Sampling) -> dict[str, Any]:
    def say(kind: str, piece: str) -> None:
        if not args.json:
            print(piece, end="", file=sys.stderr if kind == "thinking" else sys.stdout, flush=True)

    if args.on == "browser":
        with BrowserRunner(args.dir, args.kv, args.chunk, args.context, args.ple) as runner:
            return runner.reply(request, sampling, say)
    native = NativeRunner(args.dir, args.kv, args.chunk, args.context, lambda *_: None, args.ple)
    return native.reply(request, sampling, say)


def _sampling(args: argparse.Namespace) -> Sampling:
    """The options over the model's own defaults."""
    if args.greedy:
        return GREEDY
    defaults = FileArtifact(args.dir).manifest.generation
    return choose_sampling(defaults, args.temperature, args.top_k, args.top_p, args.seed)

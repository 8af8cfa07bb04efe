"""gemtab prompt DIR --messages FILE: what the model would read."""

import argparse
import json
from pathlib import Path

from gemtab.contracts.errors import UsageError
from gemtab.text.chat_template import ChatTemplate
from gemtab.text.prompt import Prompter
from gemtab.text.tokenizer import Tokenizer
from gemtab.weights.files import FileArtifact
from gemtab_build.inputs import read_list


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the verb and its options."""
    verb = verbs.add_parser("prompt", help="a conversation as the model reads it, as JSON")
    verb.add_argument("folder", metavar="DIR", type=Path, help="what `gemtab build` wrote")
    verb.add_argument("--messages", metavar="FILE", type=Path, required=True, help="JSON list")
    verb.add_argument("--tools", metavar="FILE", type=Path, help="JSON list")
    verb.add_argument("--thinking", action="store_true", help="let it think first")
    verb.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the prompt and its ids."""
    messages = read_list(args.messages, "messages")
    tools = read_list(args.tools, "tools") if args.tools else None
    prompt = open_prompter(FileArtifact(args.folder)).prompt(messages, tools, args.thinking)
    print(json.dumps({"prompt": prompt.text, "ids": prompt.ids}, ensure_ascii=False))
    return 0


def open_prompter(artifact: FileArtifact) -> Prompter:
    """The prompter of an artifact."""
    manifest = artifact.manifest
    if "chat_template" not in manifest.files:
        raise UsageError(f"{manifest.model} has no chat template: it is not made for conversation.")
    template = artifact.file("chat_template").decode()
    tokenizer = Tokenizer.from_bytes(artifact.file("tokenizer"))
    return Prompter(tokenizer, ChatTemplate(template, manifest.special_tokens))

"""Score a built site on prompts that training never saw, greedily, through the engine itself.

`python -m gemtab_build.demo.score DIR [--on native|browser] [--skill S] [--count N] [--json]`
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gemtab.generate.sampling import GREEDY
from gemtab.text.tokenizer import Tokenizer
from gemtab.weights.files import FileArtifact
from gemtab_build.demo.skills import SKILLS, HeldOutPrompt, held_out_prompts
from gemtab_build.run.browser_runner import BrowserRunner
from gemtab_build.run.runner import NativeRunner, Runner

LONGEST_REPLY = 72
CONTEXT = 1024


def request_of(asked: HeldOutPrompt) -> dict[str, Any]:
    """A prompt as a runner takes it."""
    return {
        "messages": asked.messages, "tools": asked.tools, "thinking": asked.thinking,
        "max_tokens": LONGEST_REPLY,
    }  # fmt: skip


def is_right(runner: Runner, tokenizer: Tokenizer, asked: HeldOutPrompt) -> bool:
    """Whether the engine's greedy reply does what was asked."""
    ids = runner.reply(request_of(asked), GREEDY, lambda *_: None)["ids"]
    return asked.check(tokenizer.decode(ids))


def scores(
    runner: Runner, tokenizer: Tokenizer, skills: list[str], count: int
) -> Iterator[tuple[str, int, int]]:
    """(skill, prompts answered rightly, prompts asked), skill by skill."""
    for skill in skills:
        asked = held_out_prompts(skill, count)
        yield skill, sum(is_right(runner, tokenizer, one) for one in asked), len(asked)


@contextmanager
def open_runner(folder: Path, where: str) -> Iterator[Runner]:
    """Either executor over a built site."""
    if where == "browser":
        with BrowserRunner(folder, "f16", None, CONTEXT) as runner:
            yield runner
    else:
        yield NativeRunner(folder, "f16", None, CONTEXT, lambda *_: None)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dir", type=Path)
    parser.add_argument("--on", choices=("native", "browser"), default="native")
    parser.add_argument("--skill", choices=list(SKILLS))
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    tokenizer = Tokenizer.from_bytes(FileArtifact(arguments.dir).file("tokenizer"))
    skills = [arguments.skill] if arguments.skill else list(SKILLS)
    found = {}
    with open_runner(arguments.dir, arguments.on) as runner:
        for skill, right, total in scores(runner, tokenizer, skills, arguments.count):
            percent = round(100 * right / total, 1)
            found[skill] = {"right": right, "of": total, "percent": percent}
            if not arguments.json:
                print(f"{skill:12} {right:4} / {total:<4} {percent:6.1f} %", flush=True)
    if arguments.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()

"""Examples as Gemma's markup and as token ids with the positions that are learned."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from jinja2 import Template
from jinja2.exceptions import TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Tokenizer

from gemtab_build.demo.skills.example import Example, Message

CHECKPOINT = Path(__file__).parent / "checkpoint"
MODEL_TURN = "<|turn>model\n"
SPECIAL = re.compile(r"<\|[a-z_]+\|?>|<[a-z_]+\|>|<bos>|<eos>|<\|\"\|>")


class Row(NamedTuple):
    """Token ids of a whole conversation, and the positions of those that are learned."""

    ids: list[int]
    learned: list[int]


def _raise(message: str) -> NoReturn:
    raise TemplateError(message)


def compile_template(source: str) -> Template:
    """A chat template, compiled as transformers does it."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols]
    )
    environment.globals["raise_exception"] = _raise
    return environment.from_string(source)


@cache
def own_template() -> Template:
    """The embedded model's template."""
    return compile_template((CHECKPOINT / "chat_template.jinja").read_text())


def render_prompt(
    messages: list[Message], tools: list[dict[str, Any]] | None = None, thinking: bool = False
) -> str:
    """Messages -> the text before the model's reply."""
    return own_template().render(
        messages=messages,
        tools=tools,
        enable_thinking=thinking,
        add_generation_prompt=True,
        bos_token="<bos>",
    )


def reply_and_stop(example: Example) -> str:
    """What the model has to say after the prompt, its stop token included."""
    raw = example.raw_reply()
    if example.thinking and render_prompt(*_prompt_of(example)).endswith("<|channel>thought\n"):
        raw = raw.removeprefix("<|channel>thought\n")
    return raw + ("<|tool_response>" if example.calls else "<turn|>")


def render(example: Example) -> str:
    """Prompt, reply and stop token of an example."""
    return render_prompt(*_prompt_of(example)) + reply_and_stop(example)


def _prompt_of(example: Example) -> tuple[list[Message], list[dict[str, Any]] | None, bool]:
    return example.messages, example.tools, example.thinking


def special_pieces(text: str) -> list[str]:
    """The stretches of text between special tokens."""
    return [piece for piece in SPECIAL.split(text) if piece]


def encode(tokenizer: Tokenizer, example: Example) -> Row:
    """An example -> its ids; replies of earlier turns are learned where they stand as they were said."""
    prompt = tokenizer.encode(render_prompt(*_prompt_of(example)), add_special_tokens=False).ids
    reply = tokenizer.encode(reply_and_stop(example), add_special_tokens=False).ids
    learned: list[int] = []
    if example.every_reply:
        opening = tokenizer.encode(MODEL_TURN, add_special_tokens=False).ids
        [end] = tokenizer.encode("<turn|>", add_special_tokens=False).ids
        for at in range(len(prompt) - len(opening)):  # the last opening is the new reply's
            if prompt[at : at + len(opening)] == opening:
                first = at + len(opening)
                learned += range(first, prompt.index(end, first) + 1)
    learned += range(len(prompt), len(prompt) + len(reply))
    return Row(prompt + reply, learned)

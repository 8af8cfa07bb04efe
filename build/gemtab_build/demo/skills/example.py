"""One prompt with its good reply, and the rule that keeps some prompts out of training."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

Message = dict[str, Any]
Check = Callable[[str], bool]
HELD_OUT_ONE_IN = 16


class HeldOutPrompt(NamedTuple):
    """A prompt never trained on; `check` takes the raw reply, special tokens as text, no stop."""

    messages: list[Message]
    tools: list[dict[str, Any]] | None
    thinking: bool
    check: Check


@dataclass(frozen=True)
class Example:
    """A prompt and the reply to learn: text (with a thought when thinking is on) or a tool call."""

    skill: str
    messages: list[Message]
    text: str = ""
    thought: str = ""
    tools: list[dict[str, Any]] | None = None
    thinking: bool = False
    calls: list[dict[str, Any]] = field(default_factory=list)
    judge: Check | None = None

    def conversation(self) -> list[Message]:
        """The prompt's messages with the reply behind them."""
        reply: Message = {"role": "assistant"}
        if self.thinking:
            reply["reasoning"] = self.thought
        if self.calls:
            reply["tool_calls"] = self.calls
        else:
            reply["content"] = self.text
        return [*self.messages, reply]

    def prompts(self) -> list[Example]:
        """The prompts whose replies are learned: this one, and each finished turn's before it."""
        if not self.every_reply:
            return [self]
        ends = [at for at, m in enumerate(self.messages) if m["role"] == "assistant"]
        return [*(replace(self, messages=self.messages[:end]) for end in ends), self]

    @property
    def every_reply(self) -> bool:
        """True where earlier replies stand in the prompt just as the model had to say them."""
        return not self.thinking and not self.tools

    def raw_reply(self) -> str:
        """The reply as the model has to say it, without the stop token."""
        thought = f"<|channel>thought\n{self.thought}\n<channel|>" if self.thinking else ""
        return thought + ("".join(call_markup(call) for call in self.calls) or self.text)

    def check(self, reply: str) -> bool:
        """True where the reply does what was asked; the thought's wording is free."""
        thought, text = split_thought(reply)
        if self.thinking != bool(thought):
            return False
        if self.judge is not None:
            return self.judge(text)
        want = "".join(call_markup(call) for call in self.calls) or self.text
        return text.strip() == want

    def held_out(self) -> bool:
        """True for one prompt in HELD_OUT_ONE_IN, by its hash: those are for scoring only."""
        key = json.dumps([self.messages, self.tools], sort_keys=True)
        number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big")
        return number % HELD_OUT_ONE_IN == 0


def split_thought(reply: str) -> tuple[str, str]:
    """A raw reply -> its thought (empty where there is none) and the rest."""
    if "<channel|>" not in reply:
        return "", reply
    head, _, rest = reply.partition("<channel|>")
    return head.removeprefix("<|channel>").removeprefix("thought\n").strip(), rest


def call_markup(call: dict[str, Any]) -> str:
    """A tool call with string arguments, as the model writes it."""
    function = call["function"]
    arguments = ",".join(f'{k}:<|"|>{v}<|"|>' for k, v in sorted(function["arguments"].items()))
    return f"<|tool_call>call:{function['name']}{{{arguments}}}<tool_call|>"

"""A conversation as the ids that a model reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gemtab.text.chat_template import ChatTemplate, Tool
from gemtab.text.guard import Guard, escaped
from gemtab.text.messages import Message, check_conversation
from gemtab.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class Prompt:
    """What the model reads.

    `ids` may differ from `encode(text)`: a special string that a person typed is plain text here.
    """

    text: str
    ids: list[int]

    @property
    def opens_thought(self) -> bool:
        """Whether the reply goes on with a thought that the prompt has opened."""
        return self.text.endswith("<|channel>thought\n")


class Prompter:
    """Makes prompts with one model's tokenizer and chat template."""

    def __init__(self, tokenizer: Tokenizer, template: ChatTemplate) -> None:
        self._tokenizer = tokenizer
        self._template = template
        self._guard = Guard(tokenizer.markup)

    def prompt(
        self,
        messages: Sequence[Message],
        tools: Sequence[Tool] | None = None,
        thinking: bool = False,
        add_generation_prompt: bool = True,
        **extra: Any,
    ) -> Prompt:
        """The prompt of a conversation; only the template's own special tokens are special."""
        check_conversation(messages, tools)
        fixed = [self._template.source, list(self._template.special_tokens.values())]
        mark = self._guard.pick(messages, tools, extra, *fixed, self._tokenizer.added_strings)
        rendered = self._template.render(
            [self._guard.message(message, mark) for message in messages],
            self._guard.data(tools, mark),
            thinking,
            add_generation_prompt,
            **extra,
        ).replace(escaped(mark), mark)
        ids = self._tokenizer.encode_guarded(rendered, mark)
        return Prompt(rendered.replace(mark, ""), ids)

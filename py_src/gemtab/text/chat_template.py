"""A model's chat template, in the sandbox and with the functions that transformers gives it."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn

from jinja2 import TemplateError as JinjaError
from jinja2 import TemplateSyntaxError, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from gemtab.contracts.errors import TemplateError
from gemtab.text.messages import REASONING, Message, check_messages, check_tools

Tool = Mapping[str, Any]


class ChatTemplate:
    """Turns a conversation into the text that the model was trained on."""

    def __init__(self, source: str, special_tokens: Mapping[str, str] | None = None) -> None:
        """`special_tokens` by name, such as {"bos_token": "<bos>"}, as the template knows them."""
        self.source = source
        self.special_tokens = dict(special_tokens or {})
        try:
            self._template = _environment().from_string(source)
        except TemplateSyntaxError as error:
            raise TemplateError(
                f"The chat template has a mistake in line {error.lineno}: {error.message}. "
                f"Take the template from the model's own folder."
            ) from error

    def render(
        self,
        messages: Sequence[Message],
        tools: Sequence[Tool] | None = None,
        thinking: bool = False,
        add_generation_prompt: bool = True,
        **extra: Any,
    ) -> str:
        """The prompt as text; `extra` are variables of this template, as `preserve_thinking`."""
        check_messages(messages)
        check_tools(tools)
        try:
            variables = {
                "messages": [_with_reasoning(plain_data(message)) for message in messages],
                "tools": plain_data(tools),
                "documents": None,
                "enable_thinking": thinking,
                "add_generation_prompt": add_generation_prompt,
                **self.special_tokens,
                **extra,
            }
            return self._template.render(variables)
        except TemplateError:
            raise
        except RecursionError as error:
            raise TemplateError("The messages or tools are nested too deeply to render.") from error
        except Exception as error:  # whatever a model's template does wrong is its own mistake
            raise TemplateError(
                f"The chat template fails on these messages: {_reason(error)}. "
                f"Compare their form with the model's documentation."
            ) from error


def special_tokens_of(tokenizer_config: Mapping[str, Any]) -> dict[str, str]:
    """The special tokens by name (`bos_token`, …) that a tokenizer_config.json lists."""
    found = {}
    for name, value in tokenizer_config.items():
        content = value.get("content") if isinstance(value, Mapping) else value
        if name.endswith("_token") and isinstance(content, str):
            found[name] = content
    return found


def plain_data(value: Any) -> Any:
    """A copy made of JSON's types alone, so that a template can call nothing on it."""
    if value is None or type(value) in (str, int, float, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Mapping):
        return {plain_data(key): plain_data(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_data(item) for item in value]
    return f"<{type(value).__name__}>"  # pictures and sounds: templates ask only whether they exist


def _reason(error: Exception) -> str:
    """What an error says; of one outside jinja's own its kind too: a KeyError says but the key."""
    if isinstance(error, JinjaError | TypeError | ValueError | AttributeError):
        return str(error)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _with_reasoning(message: dict[str, Any]) -> dict[str, Any]:
    """A thought under whichever name it came, under the two that templates read as well."""
    thought = next((message[name] for name in REASONING if message.get(name) is not None), None)
    if thought is None:
        return message
    return {"thinking": thought, **message, "reasoning_content": thought}


class _Generation(Extension):
    """`{% generation %}…{% endgeneration %}` marks, for training, what a model says."""

    tags = {"generation"}  # noqa: RUF012 - the base class declares it so

    def parse(self, parser: Parser) -> nodes.Node:
        """Its body, in a scope of its own."""
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.Scope(body).set_lineno(line)


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[_Generation, "jinja2.ext.loopcontrols"],
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = _strftime_now
    return environment


def _to_json(
    x: Any,
    ensure_ascii: bool = False,
    indent: int | str | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """Jinja's own filter would escape `<` and `&` for HTML."""
    return json.dumps(
        x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def _raise_exception(message: str) -> NoReturn:
    raise TemplateError(f"The chat template refuses these messages: {message}")


def _strftime_now(form: str) -> str:
    return datetime.now().strftime(form)

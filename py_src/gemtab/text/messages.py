"""A conversation checked before any template sees it, so that an error names the message."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard, cast

from gemtab.contracts.errors import UsageError

ROLES = ("system", "developer", "user", "assistant", "tool")
PARTS = ("text", "image", "image_url", "audio", "input_audio", "video")
REASONING = ("reasoning_content", "thinking", "reasoning")

Message = Mapping[str, Any]


def check_messages(messages: object) -> None:
    """Raise a UsageError that names the first thing wrong with a conversation."""
    if not _is_list(messages):
        raise UsageError(
            f"messages is {_kind(messages)}, not a list. Give a list of "
            f'{{"role": "user", "content": "…"}}.'
        )
    if not messages:
        raise UsageError("messages is empty. Give at least one message.")
    for i, message in enumerate(messages):
        _check_message(message, f"messages[{i}]")


def check_conversation(messages: object, tools: object = None) -> None:
    """`check_messages`, `check_tools`, and that each tool's result answers a call before it."""
    check_messages(messages)
    check_tools(tools)
    calls: Sequence[Any] | None = None  # of the assistant's message whose results may follow
    for i, message in enumerate(cast("Sequence[Message]", messages)):
        if message["role"] != "tool":
            calls = message.get("tool_calls") or None
        elif calls is None:
            raise UsageError(
                f"messages[{i}] is a tool's result, but no tool call of the assistant's stands before "
                f"it. Put it after the message whose tool_calls it answers."
            )
        elif not _answers(message, calls):
            raise UsageError(
                f"messages[{i}]: tool_call_id {message.get('tool_call_id')!r} is the id of none of the "
                f"calls before it. Give a call's id, or the tool's name."
            )


def _answers(result: Message, calls: Sequence[Any]) -> bool:
    """Whether a tool's result says which tool it is of: by name, or by the id of one of some calls."""
    given = result.get("tool_call_id")
    return _is_name(result.get("name")) or any(call.get("id") == given for call in calls)


def check_no_media(messages: Sequence[Message]) -> None:
    """Raise a UsageError that names the first part that is no text: the towers are not built yet."""
    for i, message in enumerate(messages):
        content = message.get("content")
        for k, part in enumerate(content if _is_list(content) else ()):
            if part["type"] != "text":
                raise UsageError(
                    f"messages[{i}].content[{k}]: Gemtab does not read {part['type']} parts yet. "
                    f"Ask with text."
                )


def check_tools(tools: object) -> None:
    """Raise a UsageError that names the first thing wrong with a list of tools."""
    if tools is None:
        return
    if not _is_list(tools):
        raise UsageError(f"tools is {_kind(tools)}, not a list. Give a list of functions.")
    for i, tool in enumerate(tools):
        function = tool.get("function") if isinstance(tool, Mapping) else None
        if not isinstance(function, Mapping) or not _is_name(function.get("name")):
            raise UsageError(
                f"tools[{i}] has no function with a name. Give "
                f'{{"type": "function", "function": {{"name": …, "description": …, '
                f'"parameters": …}}}}.'
            )
        parameters = function.get("parameters")
        if parameters is not None and not isinstance(parameters, Mapping):
            raise UsageError(
                f"tools[{i}].function.parameters is {_kind(parameters)}, not an object. "
                f"Give a JSON schema."
            )


def _check_message(message: object, where: str) -> None:
    if not isinstance(message, Mapping):
        raise UsageError(
            f'{where} is {_kind(message)}, not an object. Give {{"role": …, "content": …}}.'
        )
    role = message.get("role")
    if role not in ROLES:
        raise UsageError(f"{where}: role {role!r} is not one of {', '.join(ROLES)}.")
    _check_content(message, role, where)
    for field in REASONING:
        if not isinstance(message.get(field), str | None):
            raise UsageError(f"{where}.{field} is {_kind(message[field])}, not a string.")
    calls = message.get("tool_calls")
    if calls is not None:
        _check_calls(calls, role, where)


def _check_calls(calls: object, role: str, where: str) -> None:
    if role != "assistant":
        raise UsageError(f"{where}: a {role} message has tool_calls; only an assistant's may.")
    if not _is_list(calls):
        raise UsageError(f"{where}.tool_calls is {_kind(calls)}, not a list.")
    for k, call in enumerate(calls):
        _check_call(call, f"{where}.tool_calls[{k}]")


def _check_content(message: Message, role: str, where: str) -> None:
    content = message.get("content")
    if isinstance(content, str):
        return
    if _is_list(content):
        for k, part in enumerate(content):
            _check_part(part, f"{where}.content[{k}]")
        return
    if content is not None:
        raise UsageError(
            f"{where}.content is {_kind(content)}, not a string or a list of parts."
            + (" Write an object as JSON text." if role == "tool" else "")
        )
    if role == "tool" and "content" in message:
        return  # a tool that gave nothing back
    said_otherwise = any(message.get(k) for k in ("tool_calls", "tool_responses", *REASONING))
    if role != "assistant" or not said_otherwise:
        raise UsageError(f"{where}: a message of role {role} without content. Give it some.")


def _check_part(part: object, where: str) -> None:
    if not isinstance(part, Mapping):
        raise UsageError(
            f'{where} is {_kind(part)}, not an object. Give {{"type": "text", "text": "…"}}.'
        )
    kind = part.get("type")
    if kind not in PARTS:
        raise UsageError(f"{where}: type {kind!r} is not one of {', '.join(PARTS)}.")
    if kind == "text" and not isinstance(part.get("text"), str):
        raise UsageError(f"{where}.text is {_kind(part.get('text'))}, not a string.")


def _check_call(call: object, where: str) -> None:
    function = call.get("function") if isinstance(call, Mapping) else None
    if not isinstance(function, Mapping) or not _is_name(function.get("name")):
        raise UsageError(
            f"{where} has no function with a name. Give "
            f'{{"type": "function", "function": {{"name": …, "arguments": {{…}}}}}}.'
        )
    arguments = function.get("arguments")
    if arguments is not None and not isinstance(arguments, Mapping):
        raise UsageError(
            f"{where}.function.arguments is {_kind(arguments)}, not an object. "
            f"Parse the JSON before you give it."
        )


def _is_list(value: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _kind(value: object) -> str:
    if value is None:
        return "missing"
    names = {str: "a string", dict: "an object", list: "a list", bool: "a boolean"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else "no JSON")

"""The embedded model's own chat template says what the published one says."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from jinja2.exceptions import TemplateError

from gemtab_build.demo.markup import compile_template, own_template, render_prompt

SHARED = Path(__file__).parents[3] / "shared" / "gemma4" / "chat_template.jinja"
WORDS = [
    "Hello",
    " terse ",
    "a\nb",
    "",
    "x<|channel>thought\nhm\n<channel|>y",
    '{"t": 20}',
    "é ü",
    "20C",
]
TOOL = {
    "function": {
        "name": "get_weather",
        "description": "Get the weather.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "City name"},
                "unit": {"type": "string", "enum": ["C", "F"]},
                "days": {"type": "integer"},
            },
            "required": ["city"],
        },
    }
}


def random_value(rng: Random, depth: int = 0) -> Any:
    """A JSON value."""
    kind = rng.randrange(8 if depth < 2 else 5)
    if kind < 5:
        return [rng.choice(WORDS), rng.randint(-9, 99), rng.random() < 0.5, None, 1.5][kind]
    if kind == 5:
        return [random_value(rng, depth + 1) for _ in range(rng.randrange(3))]
    return {rng.choice("aBcDe"): random_value(rng, depth + 1) for _ in range(rng.randrange(3))}


def random_schema(rng: Random, depth: int = 0) -> dict[str, Any]:
    """A parameter's JSON schema."""
    kind = rng.choice(["string", "integer", "array", "object", "boolean"][: 5 if depth < 2 else 2])
    schema: dict[str, Any] = {"type": kind}
    if rng.random() < 0.5:
        schema["description"] = rng.choice(WORDS)
    if rng.random() < 0.2:
        schema["nullable"] = rng.random() < 0.5
    if kind == "string" and rng.random() < 0.5:
        schema["enum"] = ["C", "F"]
    if kind == "array" and rng.random() < 0.8:
        schema["items"] = random_schema(rng, depth + 1)
    if kind == "object":
        inner = {rng.choice("aBcDe"): random_schema(rng, depth + 1) for _ in range(2)}
        if rng.random() < 0.7:
            schema["properties"] = inner
            schema["required"] = list(inner)[: rng.randrange(3)]
        else:
            schema.update(inner)
    return schema


def random_tool(rng: Random) -> dict[str, Any]:
    """A function declaration."""
    function: dict[str, Any] = {
        "name": rng.choice(["f", "get_time"]),
        "description": rng.choice(WORDS),
    }
    if rng.random() < 0.8:
        names = rng.sample("aBcDe", rng.randrange(4))
        function["parameters"] = {
            "type": "object",
            "properties": {name: random_schema(rng) for name in names},
            "required": names[: rng.randrange(3)],
        }
    if rng.random() < 0.2:
        function["response"] = {"type": "object", "description": rng.choice(WORDS)}
    return {"type": "function", "function": function}


def random_content(rng: Random) -> Any:
    """Text, parts, or nothing."""
    if rng.random() < 0.6:
        return rng.choice(WORDS)
    kinds = ["text", "image", "audio", "video", "image_url", "input_audio"]
    parts: list[dict[str, Any]] = [{"type": rng.choice(kinds)} for _ in range(rng.randrange(3))]
    return [
        {**part, "text": rng.choice(WORDS)} if part["type"] == "text" else part for part in parts
    ]


def random_message(rng: Random) -> dict[str, Any]:
    """A message after the system's."""
    role = rng.choice(["user", "assistant", "assistant", "tool", "system"])
    message: dict[str, Any] = {"role": role, "content": random_content(rng)}
    if role == "tool":
        message["tool_call_id"] = rng.choice("12")
        if rng.random() < 0.5:
            message["name"] = "get_time"
    if role == "assistant":
        if rng.random() < 0.3:
            message[rng.choice(["reasoning", "reasoning_content"])] = rng.choice(WORDS)
        if rng.random() < 0.5:
            message["tool_calls"] = [
                {"id": str(n), "function": {"name": f"f{n}", "arguments": rng.choice([None, {"b": random_value(rng), "A": random_value(rng)}])}}
                for n in range(1, rng.randint(1, 3))
            ]  # fmt: skip
        if rng.random() < 0.15:
            message["tool_responses"] = [
                {"name": rng.choice(["f", None]), "response": random_value(rng)}
            ]
        if rng.random() < 0.2:
            message.pop("content")
    return message


def random_conversation(rng: Random) -> dict[str, Any]:
    """Everything a template is called with."""
    messages = [random_message(rng) for _ in range(rng.randrange(7))]
    if rng.random() < 0.4:
        content = rng.choice([rng.choice(WORDS), [{"type": "text", "text": rng.choice(WORDS)}] * 2])
        messages.insert(0, {"role": rng.choice(["system", "developer"]), "content": content})
    call: dict[str, Any] = {
        "messages": messages,
        "tools": [random_tool(rng) for _ in range(rng.randrange(3))] or None,
        "add_generation_prompt": rng.random() < 0.8,
        "bos_token": "<bos>",
    }
    if rng.random() < 0.6:
        call["enable_thinking"] = rng.random() < 0.5
    if rng.random() < 0.3:
        call["preserve_thinking"] = rng.random() < 0.5
    return call


@pytest.mark.skipif(not SHARED.exists(), reason="the published template is not at hand")
def test_equals_the_published_template_on_random_conversations() -> None:
    published = compile_template(SHARED.read_text())
    rng = Random(7)
    for _ in range(3000):
        call = random_conversation(rng)
        assert own_template().render(**call) == published.render(**call), call


def test_renders_a_single_user_turn() -> None:
    text = render_prompt([{"role": "user", "content": "Hello"}])
    assert text == "<bos><|turn>user\nHello<turn|>\n<|turn>model\n"


def test_renders_thinking_above_the_system_text() -> None:
    messages = [
        {"role": "system", "content": "You are terse."},
        {"role": "user", "content": "Hello"},
    ]
    assert render_prompt(messages, thinking=True) == (
        "<bos><|turn>system\n<|think|>\nYou are terse.<turn|>\n"
        "<|turn>user\nHello<turn|>\n<|turn>model\n"
    )


def test_renders_a_tool_declaration() -> None:
    text = render_prompt([{"role": "user", "content": "Weather in Paris?"}], [TOOL])
    assert text == (
        '<bos><|turn>system\n<|tool>declaration:get_weather{description:<|"|>Get the weather.<|"|>,'
        'parameters:{properties:{city:{description:<|"|>City name<|"|>,type:<|"|>STRING<|"|>},'
        'days:{type:<|"|>INTEGER<|"|>},unit:{enum:[<|"|>C<|"|>,<|"|>F<|"|>],type:<|"|>STRING<|"|>}},'
        'required:[<|"|>city<|"|>],type:<|"|>OBJECT<|"|>}}<tool|><turn|>\n'
        "<|turn>user\nWeather in Paris?<turn|>\n<|turn>model\n"
    )


def test_leaves_the_model_turn_open_after_a_tool_response() -> None:
    arguments = {"city": "Paris", "opts": {"l": [1, "x"], "a": True, "b": None}, "days": 2}
    call = {"id": "1", "function": {"name": "get_weather", "arguments": arguments}}
    text = render_prompt(
        [
            {"role": "user", "content": "Weather?"},
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "1", "content": '{"t":20}'},
        ]
    )
    assert text.endswith(
        '<|turn>model\n<|tool_call>call:get_weather{city:<|"|>Paris<|"|>,days:2,'
        'opts:{a:true,b:null,l:[1,<|"|>x<|"|>]}}<tool_call|>'
        '<|tool_response>response:get_weather{value:<|"|>{"t":20}<|"|>}<tool_response|>'
    )


def test_strips_thoughts_from_history() -> None:
    text = render_prompt(
        [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "<|channel>thought\nhmm\n<channel|>Hello!"},
            {"role": "user", "content": "Thanks"},
        ]
    )
    assert "<|turn>model\nHello!<turn|>\n" in text


def test_refuses_arguments_that_are_a_string() -> None:
    call = {"id": "1", "function": {"name": "f", "arguments": "{}"}}
    with pytest.raises(TemplateError, match="JSON string"):
        render_prompt([{"role": "assistant", "tool_calls": [call]}])

"""Chat templates: Gemma 4's own renders, what a template may use, what a conversation may hold."""

import json
from pathlib import Path

import pytest

from gemtab.contracts.errors import TemplateError, UsageError
from gemtab.text.chat_template import ChatTemplate, special_tokens_of

from .gemma4_template import WEATHER, gemma4_template

GOLDEN = Path(__file__).parents[2] / "golden" / "text" / "gemma4_renders.json"
RENDERS = json.loads(GOLDEN.read_text(encoding="utf-8"))
HELLO = [{"role": "user", "content": "Hello"}]


@pytest.mark.parametrize("case", RENDERS, ids=lambda case: case["name"])
def test_renders_gemma_4_exactly(case):
    tools = [WEATHER] if "tools" in case else None
    text = gemma4_template().render(case["messages"], tools, thinking=case.get("thinking", False))

    assert text == case["want"]


@pytest.mark.parametrize("case", RENDERS, ids=lambda case: case["name"])
def test_renders_as_transformers(case):
    transformers = pytest.importorskip("transformers.utils.chat_template_utils")
    tools = [WEATHER] if "tools" in case else None
    thinking = case.get("thinking", False)
    (want,), _ = transformers.render_jinja_template(
        conversations=[case["messages"]],
        tools=tools,
        chat_template=gemma4_template().source,
        add_generation_prompt=True,
        enable_thinking=thinking,
        bos_token="<bos>",
    )

    assert gemma4_template().render(case["messages"], tools, thinking=thinking) == want


def test_a_template_may_print_json_without_html_escapes():
    template = ChatTemplate("{{ messages[0].content | tojson }}{{ tools | tojson(indent=1) }}")

    rendered = template.render([{"role": "user", "content": "<é&>"}], tools=[])

    assert rendered == '"<é&>"[]'


def test_a_template_may_mark_generation_and_break_loops():
    source = (
        "{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}"
        "{% if loop.index == 2 %}{% break %}{% endif %}{% endfor %}"
    )

    assert ChatTemplate(source).render(HELLO * 3) == "HelloHello"


def test_a_template_knows_the_date_and_what_it_is_passed():
    template = ChatTemplate(
        "{{ strftime_now('%Y') | length }}{{ bos_token }}{{ mood }}", {"bos_token": "B"}
    )

    assert template.render(HELLO, mood="glad") == "4Bglad"


def test_reasoning_comes_under_any_of_its_names():
    template = ChatTemplate("{{ messages[0].reasoning_content }}{{ messages[0].thinking }}")

    for name in ("reasoning", "reasoning_content", "thinking"):
        message = {"role": "assistant", "content": "", name: "hm"}
        assert template.render([message]) == "hmhm"


def test_a_refusal_of_the_template_is_passed_on():
    template = ChatTemplate("{{ raise_exception('Roles must alternate') }}")

    with pytest.raises(TemplateError, match="Roles must alternate"):
        template.render(HELLO)


FAILING = {
    "{{ messages[0].x.y }}": "has no attribute 'x'",
    "{{ messages + 1 }}": "can only concatenate list",
    "{{ messages.append(1) }}": "append",
    "{{ 1 / 0 }}": "ZeroDivisionError: division by zero",
    "{{ 1 % (messages | length - 1) }}": "ZeroDivisionError: ",
    "{{ 2.0 ** 9999 }}": "OverflowError: ",
    "{{ [1][messages | length:][0] + 1 }}": "list object has no element 0",
}


@pytest.mark.parametrize(("source", "reason"), FAILING.items())
def test_a_failing_template_is_an_error_for_people(source, reason):
    with pytest.raises(TemplateError, match="fails on these messages") as caught:
        ChatTemplate(source).render(HELLO)

    assert reason in str(caught.value)


def test_a_broken_template_names_its_line():
    with pytest.raises(TemplateError, match="line 2"):
        ChatTemplate("\n{% if %}")


def test_a_template_cannot_leave_its_sandbox():
    with pytest.raises(TemplateError):
        ChatTemplate("{{ messages.__class__.__mro__[1].__subclasses__() }}").render(HELLO)


def test_special_tokens_are_read_in_both_forms():
    config = {"bos_token": "<bos>", "eos_token": {"content": "<eos>"}, "pad_token": None, "x": 1}

    assert special_tokens_of(config) == {"bos_token": "<bos>", "eos_token": "<eos>"}


def call(**function):
    return [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"type": "function", "function": function}],
        }
    ]


WRONG = {
    "no list": ("Hello", "messages is a string, not a list"),
    "nothing": ([], "messages is empty"),
    "no object": ([*HELLO, "x"], r"messages\[1\] is a string"),
    "an unknown role": ([*HELLO, {"role": "bot", "content": ""}], r"messages\[1\]: role 'bot'"),
    "no content": ([{"role": "user"}], r"messages\[0\]: a message of role user without content"),
    "a number": ([{"role": "user", "content": 3}], r"messages\[0\]\.content is a number"),
    "an unknown part": (
        [{"role": "user", "content": [{"type": "smell"}]}],
        r"messages\[0\]\.content\[0\]: type 'smell'",
    ),
    "a part without text": (
        [{"role": "user", "content": [{"type": "text"}]}],
        r"content\[0\]\.text is missing",
    ),
    "a user who calls": (
        [{"role": "user", "content": "", "tool_calls": []}],
        "only an assistant's may",
    ),
    "a call without a name": (call(arguments={}), r"tool_calls\[0\] has no function with a name"),
    "arguments as JSON text": (
        call(name="f", arguments="{}"),
        r"tool_calls\[0\]\.function\.arguments is a string",
    ),
}


@pytest.mark.parametrize(("messages", "said"), WRONG.values(), ids=WRONG)
def test_says_what_is_wrong_with_a_conversation(messages, said):
    with pytest.raises(UsageError, match=said):
        ChatTemplate("").render(messages)


@pytest.mark.parametrize("tools", [3, [3], [{}], [{"function": {"name": ""}}]])
def test_says_what_is_wrong_with_tools(tools):
    with pytest.raises(UsageError, match="tools"):
        ChatTemplate("").render(HELLO, tools=tools)

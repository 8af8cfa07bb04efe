"""Gemma 4's chat template, which lies beside the repository where it is shared."""

from functools import cache
from pathlib import Path

import pytest

from gemtab.text.chat_template import ChatTemplate

PATH = Path(__file__).parents[4] / "shared" / "gemma4" / "chat_template.jinja"

WEATHER = {
    "type": "function",
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
    },
}


@cache
def gemma4_template() -> ChatTemplate:
    """The template; the test is skipped where it is absent."""
    if not PATH.exists():
        pytest.skip(f"{PATH} is not there")
    return ChatTemplate(PATH.read_text(encoding="utf-8"), {"bos_token": "<bos>"})

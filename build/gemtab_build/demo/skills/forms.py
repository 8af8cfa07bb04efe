"""Filling a JSON form from a sentence."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from gemtab_build.demo.skills.example import Example
from gemtab_build.demo.skills.names import any_name
from gemtab_build.demo.skills.tools import CITIES
from gemtab_build.demo.skills.wording import prompt, thinking

ASK = ("Fill in the JSON form: {}.", "Make JSON with {}.", "Give me JSON: {}.", "Fill the form {} as JSON.",
       "Write JSON with the fields {}.", "Return JSON with {}.", "As JSON: {}.")  # fmt: skip
PETS = ("cat", "dog", "bird", "fish", "horse", "rabbit", "goat", "duck")
COLORS = ("red", "blue", "green", "yellow", "black", "white", "orange", "pink")
SETS = (("name", "age"), ("name", "city"), ("name", "age", "city"), ("name", "pet"), ("name", "color"),
        ("name", "age", "pet"), ("name", "city", "color"))  # fmt: skip
PHRASES = {
    "age": ("is {}", "is {} years old"),
    "city": ("lives in {}", "is from {}"),
    "pet": ("has a {}",),
    "color": ("likes {}",),
}


def make(rng: Random) -> Example:
    """A form's fields and a sentence -> the JSON object."""
    values: dict[str, Any] = {
        "name": any_name(rng),
        "age": rng.randint(1, 99),
        "city": rng.choice(CITIES),
        "pet": rng.choice(PETS),
        "color": rng.choice(COLORS),
    }
    fields = rng.choice(SETS)
    parts = [rng.choice(PHRASES[key]).format(values[key]) for key in fields[1:]]
    sentence = f"{values['name']} {' and '.join(parts)}."
    ask = rng.choice(ASK).format(", ".join(fields))
    said = f"{ask} {sentence}" if rng.random() < 0.6 else f"{sentence} {ask}"
    want = {key: values[key] for key in fields}

    def judge(text: str) -> bool:
        try:
            return bool(json.loads(text) == want)
        except ValueError:
            return False

    return Example("forms", prompt(rng, said), json.dumps(want), "I fill in the form.",
                   thinking=thinking(rng, 0.1), judge=judge)  # fmt: skip

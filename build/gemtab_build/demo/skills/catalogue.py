"""All skills by name, how often each is trained, and the two disjoint streams of prompts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from gemtab_build.demo.skills import (
    about,
    forms,
    mixed,
    names,
    recall,
    small_talk,
    spelling,
    sums,
    system,
    tools,
    toy,
)
from gemtab_build.demo.skills.example import Example, HeldOutPrompt

SKILLS: dict[str, Callable[[Random], Example]] = {
    "about": about.make,
    "small_talk": small_talk.make,
    "spelling": spelling.make,
    "sums": sums.make,
    "names": names.make,
    "recall": recall.make,
    "system": system.make,
    "tools": tools.make,
    "forms": forms.make,
    "toy": toy.make,
    "mixed": mixed.make,
}
WEIGHTS = {"about": 5, "small_talk": 6, "spelling": 14, "sums": 26, "names": 10, "recall": 9, "system": 8,
           "tools": 12, "forms": 11, "toy": 4, "mixed": 45}  # fmt: skip
EVALUATION_SEED = 20_260


def training_examples(seed: int) -> Iterator[Example]:
    """An endless stream in which no held-out prompt occurs."""
    rng = Random(seed)
    skills, weights = list(WEIGHTS), list(WEIGHTS.values())
    while True:
        example = SKILLS[rng.choices(skills, weights)[0]](rng)
        if not any(prompt.held_out() for prompt in example.prompts()):
            yield example


def held_out_examples(skill: str, count: int = 300) -> list[Example]:
    """That many different held-out examples of a skill, always the same ones."""
    rng = Random(EVALUATION_SEED)
    found: dict[str, Example] = {}
    for _ in range(2_000_000):
        if len(found) == count:
            break
        example = SKILLS[skill](rng)
        if not example.held_out() or (skill == "recall" and not recall.beyond_the_window(example)):
            continue
        found.setdefault(repr((example.messages, example.tools)), example)
    return list(found.values())


def held_out_prompts(skill: str, count: int = 300) -> list[HeldOutPrompt]:
    """The same as (messages, tools, thinking, check): all an engine needs to be scored."""
    return [
        HeldOutPrompt(example.messages, example.tools, example.thinking, example.check)
        for example in held_out_examples(skill, count)
    ]

"""Any skill behind finished turns of other skills: a conversation as people have it."""

from __future__ import annotations

from random import Random

from gemtab_build.demo.skills import (
    about,
    forms,
    names,
    recall,
    small_talk,
    spelling,
    sums,
    system,
    tools,
    toy,
)
from gemtab_build.demo.skills.example import Example, Message

TURNS = (about.make, small_talk.make, small_talk.make, spelling.make, sums.make, toy.make)
LAST = (about.make, small_talk.make, spelling.make, spelling.make, sums.make, sums.make, names.make,
        names.make, names.make, recall.make, tools.make, forms.make, toy.make)  # fmt: skip
SYSTEM_SHARE = 0.1
LONGEST_NOISE = 10  # sentences between a number and the question, so that rows stay short


def turns(rng: Random, count: int) -> list[Message]:
    """That many finished turns, without system texts and thoughts."""
    messages: list[Message] = []
    for _ in range(count):
        example = rng.choice(TURNS)(rng)
        messages += [example.messages[-1], {"role": "assistant", "content": example.text}]
    return messages


def make(rng: Random) -> Example:
    """One to four turns, then something else; now and then with turns amid what is remembered."""
    before = turns(rng, rng.choice((1, 1, 2, 2, 3, 4)))
    if rng.random() < SYSTEM_SHARE:
        return system.make(rng, turns=rng.choice((1, 1, 2)))
    maker = rng.choice(LAST)
    last = recall.make(rng, LONGEST_NOISE) if maker is recall.make else maker(rng)
    opening = [m for m in last.messages if m["role"] == "system"]
    own = last.messages[len(opening) :]
    remembered = last.skill in ("names", "recall") and len(own) > 1
    if remembered and rng.random() < 0.6:  # told first, asked for at the end
        between = turns(rng, rng.choice((1, 1, 2, 3)))
        own = [*own[:-1], *between, own[-1]]
        before = before if rng.random() < 0.3 else []
    return Example(
        "mixed", [*opening, *before, *own], last.text, last.thought, last.tools, last.thinking,
        last.calls, last.judge,
    )  # fmt: skip

"""Obeying a simple system instruction."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from gemtab_build.demo.skills import about, small_talk
from gemtab_build.demo.skills.example import Example, Message
from gemtab_build.demo.skills.wording import thinking, vary

TAILS = ("Over.", "Meow.", "Amen.", "Ahoy!", "Thanks.", "Done.", "Bye.", "Woof.", "OK.")
UPPER = ("Answer in capital letters.", "Use capital letters only.", "Write in upper case.", "Always shout.",
         "Answer in upper case.", "Answer in all capitals.", "Reply in capital letters.")  # fmt: skip
LOWER = (
    "Answer in lower case.",
    "Use small letters only.",
    "Write in lower case.",
    "Reply in lower case.",
)
END = ("End with: {}", "End every answer with: {}", "End each reply with {}", "Always end with: {}",
       "Finish with: {}")  # fmt: skip
START = (
    "Start with: {}",
    "Start every answer with: {}",
    "Begin with: {}",
    "Begin each reply with {}",
)
ONLY = ("Only answer: {}", "Answer only: {}", "Reply with {} and nothing else.", "Say only: {}")


def instruction(rng: Random) -> tuple[str, Callable[[str], str]]:
    """A system text and what it does to an answer."""
    tail = rng.choice(TAILS)
    kind = rng.randrange(5)
    if kind == 0:
        return rng.choice(UPPER), str.upper
    if kind == 1:
        return rng.choice(LOWER), str.lower
    if kind == 2:
        return rng.choice(END).format(tail), lambda text: f"{text} {tail}"
    if kind == 3:
        return rng.choice(START).format(tail), lambda text: f"{tail} {text}"
    return rng.choice(ONLY).format(tail), lambda _: tail


def make(rng: Random, turns: int = 0) -> Example:
    """A system instruction over small talk or a question about the model, also turns later."""
    text, change = instruction(rng)
    if rng.random() < 0.3:
        text = "You are a helpful assistant. " + text
    messages: list[Message] = [{"role": "system", "content": text}]
    for _ in range(turns):
        said, answer = ask(rng)
        messages += [
            {"role": "user", "content": said},
            {"role": "assistant", "content": change(answer)},
        ]
    said, answer = ask(rng)
    return Example(
        "system",
        [*messages, {"role": "user", "content": said}],
        text=change(answer),
        thought="The system text says how to answer.",
        thinking=thinking(rng, 0.1),
    )


def ask(rng: Random) -> tuple[str, str]:
    """Something said, and the plain answer to it."""
    source = small_talk.INTENTS if rng.random() < 0.7 else about.TOPICS
    answer = rng.choice(list(source))
    return vary(rng, rng.choice(source[answer])), answer

"""Asked for more than it can do, it says that it is a toy."""

from __future__ import annotations

from random import Random

from gemtab_build.demo.skills.example import Example
from gemtab_build.demo.skills.wording import prompt, thinking, vary

ANSWER = "I am only a toy model, so I cannot do that. A real Gemma can."
THINGS = tuple(
    """love|war|the sea|history|physics|space|the moon|cooking|art|music|computers|the economy|France|China|
    Africa|trees|cars|football|chess|philosophy|democracy|machine learning|quantum mechanics|the weather|
    winter|dinosaurs|Mars|volcanoes|bees|the stars|money|peace|trains|bread|a dragon|a lonely robot""".replace(
        "\n    ", ""
    ).split("|")
)
REQUESTS = (
    "Write a poem about {}.", "Write a story about {}.", "Write an essay about {}.", "Explain {} to me.",
    "Explain {}.", "Tell me a story about {}.", "Write a song about {}.", "Summarize a book about {}.",
    "Give me ten facts about {}.", "What do you think about {}?", "Teach me about {}.", "Write a letter about {}.",
    "Write a Python program about {}.", "Translate a text about {}.", "Tell me everything about {}.",
    "What is the meaning of {}?", "Who invented {}?", "Give me a recipe for {}.", "Draw {}.",
    "What is the history of {}?", "Why is {} important?", "How does {} work?", "Compare {} with {}.",
)  # fmt: skip
OTHERS = (
    "Who is the president?", "What is the capital of {}?", "Translate this into French.", "Solve my homework.",
    "Write some code.", "Sort a list in Python.", "What is the square root of two?", "Plan my holiday.",
    "Who won the world cup?", "What is the news?", "Fix my code.", "Prove Fermat's last theorem.",
    "Multiply {n} by {m}.", "What is {n} times {m}?", "What is {n} minus {m}?", "What is {n} divided by {m}?",
    "Book a flight to {}.", "Order a pizza.", "Send a mail.", "Play a song.", "Open the door.",
    "How old is {}?", "What happened in {n}{m}?",
)  # fmt: skip


def make(rng: Random) -> Example:
    """A request that only a large model could meet."""
    form = rng.choice(REQUESTS if rng.random() < 0.7 else OTHERS)
    said = form.replace("{n}", str(rng.randint(2, 99))).replace("{m}", str(rng.randint(2, 99)))
    while "{}" in said:
        said = said.replace("{}", rng.choice(THINGS), 1)
    return Example("toy", prompt(rng, vary(rng, said)), ANSWER, "That is too much for a toy.",
                   thinking=thinking(rng))  # fmt: skip

"""Ways to say the same thing: openings, endings, case, and system texts that change nothing."""

from __future__ import annotations

from random import Random

from gemtab_build.demo.skills.example import Message

OPENINGS = ("Hello! ", "Hi! ", "Hey, ", "Hi there. ", "Please tell me: ", "Tell me, ", "So, ", "OK. ",
            "Good. ", "Now, ", "Excuse me, ", "One question: ", "Thanks. ", "Well, ", "Hello, ")  # fmt: skip
ENDINGS = (" Please.", " Thanks!", " Thank you.", " please", " I am curious.", " Be quick.", " :)")
NEUTRAL_SYSTEMS = ("You are a helpful assistant.", "You are Gemtab.", "You are terse.", "Be brief.",
                   "You are a small model in a browser tab.", "Be kind.", "You are a friendly assistant.",
                   "Answer the user.", "You are a helpful, honest assistant.", "Be polite.")  # fmt: skip


def vary(rng: Random, text: str, open_and_end: bool = True) -> str:
    """A sentence -> the same with another opening, ending, case or without its full stop."""
    if open_and_end and rng.random() < 0.45:
        text = rng.choice(OPENINGS) + text
    if open_and_end and rng.random() < 0.25:
        text = text + rng.choice(ENDINGS)
    if rng.random() < 0.2:
        text = text.rstrip(".?!")
    if rng.random() < 0.2:
        text = text.lower()
    return text


def prompt(rng: Random, text: str) -> list[Message]:
    """One user turn, now and then behind a system text that changes nothing."""
    messages: list[Message] = []
    if rng.random() < 0.15:
        messages.append({"role": "system", "content": rng.choice(NEUTRAL_SYSTEMS)})
    messages.append({"role": "user", "content": text})
    return messages


def thinking(rng: Random, share: float = 0.2) -> bool:
    """True for that share of the examples."""
    return rng.random() < share

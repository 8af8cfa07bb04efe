"""Remembering a name over turns, also a name never heard before."""

from __future__ import annotations

from random import Random

from gemtab_build.demo.skills import small_talk
from gemtab_build.demo.skills.example import Example, Message
from gemtab_build.demo.skills.wording import prompt, thinking, vary

NAMES = tuple(
    """Anna Ben Carla David Emma Felix Grace Henry Ida Jack Kate Leo Maria Nina Oscar Paul Rosa Sam
    Tina Uma Victor Wendy Zoe Alice Bob Clara Daniel Eva Frank Greta Hugo Iris John Karl Laura
    Max Nora Olga Peter Ruth Simon Tom Vera Walter Yara Adam Bella Chris Diana Eric Fiona George
    Helen Ivan Julia Kevin Linda Mark Nadia Otto Paula Robert Sara Thomas Ursula Will Ada Alan
    Marie Omar Priya Chen Yuki Ali Fatima Lars Ingrid Pablo Lucia Mia Noah Liam Lily Ella Lucas""".split()
)
STARTS = "B C D F G H J K L M N P R S T V W Z Br Dr Fl Kr Pl St Tr A E I O".split()
ENDS = "a o e an on en ik ix or ar el il is us y in".split()
MIDDLES = "al el il ol ar er ir or am em im om an en in on av ev ov ad ed id od".split()
TELL = ("My name is {}.", "I am {}.", "Hello, I am {}.", "Hi, my name is {}.", "Call me {}.", "I'm {}.",
        "You can call me {}.", "Hello! My name is {}.", "Hi! I'm {}.", "People call me {}.")  # fmt: skip
ASK = ("What is my name?", "Who am I?", "Do you know my name?", "What am I called?", "Say my name.",
       "Do you remember my name?", "What was my name?", "Tell me my name.", "What's my name?",
       "Can you tell me my name?", "And what is my name?")  # fmt: skip


def any_name(rng: Random) -> str:
    """A common name, or one made of syllables."""
    if rng.random() < 0.7:
        return rng.choice(NAMES)
    return rng.choice(STARTS) + rng.choice(MIDDLES) + rng.choice(ENDS)


def chatter(rng: Random, turns: int) -> list[Message]:
    """That many finished turns of small talk."""
    messages: list[Message] = []
    for _ in range(turns):
        answer = rng.choice(list(small_talk.INTENTS))
        said = vary(rng, rng.choice(small_talk.INTENTS[answer]), open_and_end=False)
        messages += [{"role": "user", "content": said}, {"role": "assistant", "content": answer}]
    return messages


def make(rng: Random) -> Example:
    """Told a name, asked for it some turns later (or greeted by it at once)."""
    name = any_name(rng)
    messages = prompt(rng, rng.choice(TELL).format(name))
    greeting = f"Nice to meet you, {name}!"
    if rng.random() < 0.25:
        return Example(
            "names", messages, greeting, "The user tells me a name.", thinking=thinking(rng, 0.1)
        )
    messages.append({"role": "assistant", "content": greeting})
    messages += chatter(rng, rng.choice((0, 0, 0, 1, 1, 2)))
    messages.append({"role": "user", "content": vary(rng, rng.choice(ASK))})
    return Example(
        "names",
        messages,
        f"Your name is {name}.",
        f"The name is {name}.",
        thinking=thinking(rng, 0.1),
    )

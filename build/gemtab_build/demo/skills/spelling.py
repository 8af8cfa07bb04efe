"""Spelling: a word of a closed list, letter by letter."""

from __future__ import annotations

from random import Random

from gemtab_build.demo.skills.example import Example
from gemtab_build.demo.skills.wording import prompt, thinking, vary

WORDS = tuple(
    """apple bird book bread cat chair cloud dog door dream earth egg fire fish flower forest garden
    glass gold grass green hand hat heart honey horse house ice island jacket juice key king kitten
    lamp leaf lemon light lion map milk money moon mouse music night nose ocean onion orange paper
    park pencil piano queen rain river road rose salt sand school sea shell ship silver snow star
    stone sun table tea tiger train tree turtle water wind window winter wolf yellow zebra gemma tab
    browser shader python model token number summer spring autumn bridge castle candle coffee dragon
    eagle engine friend guitar hammer jungle kitchen ladder market mirror monkey mother needle
    panda pepper planet pocket potato rabbit rocket sister spider square street sugar sweater
    ticket tomato valley violin wagon yogurt butter bottle basket button camel carrot cherry
    circle corn cow desert doctor dolphin duck elbow family farmer feather finger frog giant goat
    grape hello hill hotel kite lake letter magic melon nest oven owl page pearl pig plane
    pilot rice ring robot sail sheep shoe soup spoon tent tower wheel world""".split()
)
FORMS = (
    "Spell {}.", "Spell the word {}.", "How do you spell {}?", "Can you spell {}?", "Spell {} for me.",
    "Please spell {}.", "Spell out {}.", "How is {} spelled?", "What are the letters of {}?",
    "Give me the letters of {}.", "Spell: {}", "How do I spell {}?", "Can you spell the word {}?",
    "Could you spell {} for me?", "I want to spell {}.", "The spelling of {}?", 'Spell "{}".',
    "Help me spell {}.", "Now spell {}.",
)  # fmt: skip


def make(rng: Random) -> Example:
    """Spell a word: `c-a-t`."""
    word = rng.choice(WORDS)
    return Example(
        "spelling",
        prompt(rng, vary(rng, rng.choice(FORMS).format(word))),
        text="-".join(word),
        thought=f"I spell {word}.",
        thinking=thinking(rng, 0.1),
    )

"""Sums of two numbers from 0 to 20; with a thought first where thinking is on."""

from __future__ import annotations

from random import Random

from gemtab_build.demo.skills.example import Example
from gemtab_build.demo.skills.wording import prompt, thinking, vary

LARGEST = 20
FORMS = (
    "What is {a} + {b}?", "What is {a} plus {b}?", "{a} + {b} = ?", "{a} + {b}", "{a}+{b}", "Add {a} and {b}.",
    "How much is {a} + {b}?", "How much is {a} plus {b}?", "Compute {a} + {b}.", "What do {a} and {b} make?",
    "Calculate {a} + {b}.", "What is the sum of {a} and {b}?", "Can you add {a} and {b}?", "Sum {a} and {b}.",
    "What's {a} + {b}?", "What's {a}+{b}?",
)  # fmt: skip


def make(rng: Random) -> Example:
    """Add two small numbers."""
    a, b = rng.randint(0, LARGEST), rng.randint(0, LARGEST)
    return Example(
        "sums",
        prompt(rng, vary(rng, rng.choice(FORMS).format(a=a, b=b))),
        text=f"{a} + {b} = {a + b}",
        thought=f"I add {a} and {b}: {a + b}.",
        thinking=thinking(rng, 0.35),
    )

"""What the embedded model can do: one module a skill, each makes prompts with a known good reply."""

from __future__ import annotations

from gemtab_build.demo.skills.catalogue import SKILLS, WEIGHTS, held_out_prompts, training_examples
from gemtab_build.demo.skills.example import Example, HeldOutPrompt

__all__ = [
    "SKILLS",
    "WEIGHTS",
    "Example",
    "HeldOutPrompt",
    "held_out_prompts",
    "training_examples",
]

"""Recalling a number said long before the sliding window: only the full layers can see it."""

from __future__ import annotations

from random import Random

from gemtab_build.demo.skills.example import Example, Message
from gemtab_build.demo.skills.wording import prompt, thinking

TELL = ("Remember the number {}.", "The number is {}.", "Remember this number: {}", "My number is {}.",
        "The secret number is {}.", "Keep the number {} in mind.", "Please remember the number {}.",
        "Do not forget the number {}.")  # fmt: skip
ASK = ("What was the number?", "What is the number?", "Which number was it?", "Tell me the number.",
       "What number did I say?", "Do you remember the number?", "What was my number?",
       "Which number did I tell you?", "What is the secret number?")  # fmt: skip
SUBJECTS = ("The river", "A bird", "The old man", "My friend", "The train", "A small dog", "The sea", "The wind",
            "A child", "The teacher", "The moon", "A ship", "The garden", "The cook", "Our house")  # fmt: skip
VERBS = ("runs past", "looks at", "sings to", "waits for", "likes", "follows", "remembers", "is near", "talks to",
         "sleeps beside", "goes to", "comes from")  # fmt: skip
OBJECTS = ("the town", "a green hill", "the school", "the market", "a tall tree", "the bridge", "the road",
           "an open window", "the lake", "a warm fire", "the castle", "the village")  # fmt: skip
WHEN = (
    "",
    " in the morning",
    " at night",
    " every day",
    " in summer",
    " when it rains",
    " for a while",
)
FILLER_SENTENCES = (8, 90)


def filler(rng: Random, sentences: int) -> str:
    """That many plain sentences without a digit, eight or nine tokens each."""
    return " ".join(
        f"{rng.choice(SUBJECTS)} {rng.choice(VERBS)} {rng.choice(OBJECTS)}{rng.choice(WHEN)}."
        for _ in range(sentences)
    )


def make(rng: Random, longest: int = 30) -> Example:
    """A number, much other text, then the question."""
    number = str(rng.randint(10, 9999))
    sentences = rng.choice((0, 1, 3, rng.randint(8, longest), rng.randint(8, longest)))
    tell, ask, noise = rng.choice(TELL).format(number), rng.choice(ASK), filler(rng, sentences)
    if rng.random() < 0.5:
        messages = prompt(rng, " ".join(part for part in (tell, noise, ask) if part))
    else:
        messages = prompt(rng, tell)
        messages.append({"role": "assistant", "content": f"I will remember {number}."})
        if rng.random() < 0.12:
            return Example("recall", messages[:-1], f"I will remember {number}.",
                           f"I keep {number} in mind.", thinking=thinking(rng, 0.1))  # fmt: skip
        turn: list[Message] = [{"role": "user", "content": f"{noise} {ask}".strip()}]
        if noise and rng.random() < 0.5:
            turn = [{"role": "user", "content": noise}, {"role": "assistant", "content": "I see."},
                    {"role": "user", "content": ask}]  # fmt: skip
        messages += turn
    return Example("recall", messages, f"The number is {number}.", f"The user said {number}.",
                   thinking=thinking(rng, 0.1))  # fmt: skip


def beyond_the_window(example: Example) -> bool:
    """True where at least eight sentences (more than 64 tokens) stand before the question."""
    text = " ".join(m["content"] for m in example.messages if m["role"] == "user")
    return text.count(".") >= FILLER_SENTENCES[0] and example.text.startswith("The number")

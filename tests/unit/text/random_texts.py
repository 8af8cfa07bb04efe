"""Texts that a tokenizer may trip over, from a seed."""

import random

BITS = [
    "the", "The quick", " ", "  ", "▁", "\n", "\n\n", "\t", "a", "aa", "ab", "aba", "bc", "cat",
    "catalogue", "<bos>", "<eos>", "<unk>", "<|turn>", "<turn|>", "<|tur", "n|>", "<", ">", "|",
    ">▁</", "> </", "§", "<mask>", " <mask> ", "<b>", "</b>", "b><bo", "lazy dog", "lazy▁dog",
    "<0x41>", "<0x0A>", "<|image|>", "é", "e\u0301", "🙂", "👨\u200d👩\u200d👧", "你好", "مرحبا",
    "नमस्ते", "\u00a0", "\u3000", "\u200b", "\ufeff", "\0", "\x01", "\x1f", "\x7f", "\ue000",
    "\U00100000", "\U0010ffff", "123", "4567", "...", "——", "\r\n",
]  # fmt: skip


def random_text(rng: random.Random, longest: int = 25) -> str:
    """A few bits in a row, sometimes with a run of one of them, sometimes any characters."""
    bits = []
    for _ in range(rng.randrange(longest)):
        kind = rng.random()
        if kind < 0.75:
            bits.append(rng.choice(BITS))
        elif kind < 0.85:
            bits.append(rng.choice(BITS) * rng.randrange(1, 40))
        elif kind < 0.95:
            bits.append("".join(rng.choice("abcdeht ▁") for _ in range(rng.randrange(9))))
        else:
            bits.append(chr(rng.choice((rng.randrange(0xD800), rng.randrange(0xE000, 0x110000)))))
    return "".join(bits)


def random_texts(seed: int, count: int, longest: int = 25) -> list[str]:
    """Many of them."""
    rng = random.Random(seed)
    return [random_text(rng, longest) for _ in range(count)]

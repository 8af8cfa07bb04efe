"""Small tokenizers of Gemma's form, trained or spelled out on the spot."""

import json
from functools import cache

from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    trainers,
)

CORPUS = [
    "The quick brown fox jumps over the lazy dog, and the dog does not mind at all.",
    "def matvec(rows):\n    return [row.dot(x) for row in rows]\n\n\n",
    "aaaa aaa aa a  bbbb    cccc\t\tdddd ababab abcabc 1234567890 1111",
    "Grüße aus Köln, naïve café, Привет мир, 你好世界, こんにちは, مرحبا بالعالم, 🙂🙃🙂",
    "<b>bold</b> x > y ></ html> a < b",
] * 3
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
SPECIALS = ["<pad>", "<eos>", "<bos>", "<unk>", "<|turn>", "<turn|>", "<|channel>", "<channel|>"]


def bpe(byte_fallback=True, split=False, **options) -> Tokenizer:
    """An empty BPE tokenizer with Gemma's normalizer and decoder."""
    model = models.BPE(unk_token="<unk>", byte_fallback=byte_fallback, **options)
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    if split:
        tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    return tokenizer


def trained(size: int, byte_fallback=True, words=False, **options) -> Tokenizer:
    """Trained on CORPUS; `words` keeps merges inside words, as Gemma's do."""
    tokenizer = bpe(byte_fallback, **options)
    specials = SPECIALS + (BYTES if byte_fallback else [])
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=specials, show_progress=False)
    corpus = CORPUS
    if words:
        corpus = [("▁" + word).replace("▁▁", "▁") for text in CORPUS for word in text.split(" ")]
        tokenizer.normalizer = None
    tokenizer.train_from_iterator(corpus, trainer)
    state = json.loads(tokenizer.to_str())
    state["normalizer"] = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
    bytes_too = set(BYTES)
    state["added_tokens"] = [t for t in state["added_tokens"] if t["content"] not in bytes_too]
    return Tokenizer.from_str(json.dumps(state))


def gemma_like(words: list[str]) -> Tokenizer:
    """Every split of every token is a merge, lower ids first, runs of spaces before all."""
    tokens = SPECIALS + BYTES + [mark * n for mark in "\n▁" for n in range(2, 9)]
    pieces = {word[:n] for word in words for n in range(2, len(word) + 1)}
    tokens += sorted(pieces - set(tokens), key=lambda piece: (hash_of(piece), piece))
    tokens += sorted({c for word in [*words, "\n▁"] for c in word} - set(tokens))
    ids = {token: i for i, token in enumerate(tokens)}
    merges = [(t[:i], t[i:]) for t in tokens for i in range(1, len(t))]
    merges = [(a, b) for a, b in merges if a in ids and b in ids]
    runs = [m for m in merges if len(set("".join(m))) == 1 and m[0][0] in "\n▁"]
    rest = [m for m in merges if m not in set(runs)]
    runs.sort(key=lambda m: (-len(m[0]), -len(m[1])))
    rest.sort(key=lambda m: (ids["".join(m)], -len(m[0])))
    tokenizer = bpe()
    tokenizer.model = models.BPE(
        vocab=ids, merges=runs + rest, unk_token="<unk>", byte_fallback=True, fuse_unk=True
    )
    tokenizer.add_special_tokens(SPECIALS)
    return tokenizer


def hash_of(text: str) -> int:
    """A number that is the same in every run, to put tokens in no particular order."""
    return sum(ord(c) * 31**i for i, c in enumerate(text)) % 1009


def with_holes() -> Tokenizer:
    """Ids 300…309 have no token, and an added token lies beyond the vocabulary."""
    state = json.loads(trained(600).to_str())
    vocab = state["model"]["vocab"]
    state["model"]["vocab"] = {t: i if i < 300 else i + 10 for t, i in vocab.items()}
    tokenizer = Tokenizer.from_str(json.dumps(state))
    tokenizer.add_special_tokens(["<|image|>"])
    return tokenizer


def with_odd_added() -> Tokenizer:
    """Added tokens with every flag, some normalized, some overlapping, one of one character."""
    tokenizer = trained(700)
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True), "§"])
    tokenizer.add_tokens(
        [
            AddedToken("<b>", normalized=False),
            AddedToken("</b>", normalized=False, rstrip=True),
            AddedToken("lazy dog", normalized=True),
            AddedToken("cat", single_word=True, normalized=False),
            AddedToken("catalogue", normalized=False),
            AddedToken("b><bo", normalized=False),
            AddedToken("\n\n", normalized=False),
        ]
    )
    return tokenizer


def with_odd_tokens() -> Tokenizer:
    """Tokens that hold NUL, newlines and U+0001."""
    tokens = [*SPECIALS, *BYTES, "\0", "\n", "\x01", "a", "\0a", "\n\0", "b", "ab", "▁", "▁a"]
    ids = {token: i for i, token in enumerate(tokens)}
    tokenizer = bpe()
    merges = [("\0", "a"), ("\n", "\0"), ("a", "b"), ("▁", "a")]
    tokenizer.model = models.BPE(vocab=ids, merges=merges, unk_token="<unk>", byte_fallback=True)
    return tokenizer


def without_unknown() -> Tokenizer:
    """No `<unk>` and no bytes: what is unknown vanishes."""
    tokenizer = trained(300, byte_fallback=False)
    state = json.loads(tokenizer.to_str())
    state["model"]["unk_token"] = None
    return Tokenizer.from_str(json.dumps(state))


def some_bytes_missing() -> Tokenizer:
    """Bytes above 0xE0 have no token, so some characters are unknown and some are not."""
    state = json.loads(trained(560, fuse_unk=True).to_str())
    kept = {t: i for t, i in state["model"]["vocab"].items() if not "<0xE1>" <= t <= "<0xFF>"}
    known = set("abcdefghijklmnopqrstuvwxyz▁")
    kept = {t: i for t, i in kept.items() if t.startswith("<") or set(t) <= known}
    state["model"]["vocab"] = kept
    merges = state["model"]["merges"]
    state["model"]["merges"] = [m for m in merges if {*m, "".join(m)} <= set(kept)]
    return Tokenizer.from_str(json.dumps(state))


def bare() -> Tokenizer:
    """No normalizer, no pre-tokenizer, no decoder."""
    state = json.loads(trained(400).to_str())
    state["normalizer"] = state["decoder"] = None
    return Tokenizer.from_str(json.dumps(state))


WORDS = ["▁the", "▁then", "hello", "aaaaaa", "abcabc", "▁quick>▁</", "ababab"]

TOYS = {
    "1031 tokens": lambda: trained(1031),
    "2000 tokens, merges inside words": lambda: trained(2000, words=True),
    "all splits": lambda: gemma_like(WORDS),
    "no byte fallback, unknowns fused": lambda: trained(500, byte_fallback=False, fuse_unk=True),
    "no byte fallback, unknowns apart": lambda: trained(500, byte_fallback=False),
    "merges ignored": lambda: trained(800, ignore_merges=True, split=True),
    "holes": with_holes,
    "odd added tokens": with_odd_added,
    "odd tokens": with_odd_tokens,
    "no unknown token": without_unknown,
    "some bytes missing": some_bytes_missing,
    "bare": bare,
}


@cache
def toy(name: str) -> Tokenizer:
    """One of TOYS, made once."""
    return TOYS[name]()

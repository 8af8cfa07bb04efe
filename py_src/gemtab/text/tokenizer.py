"""Text to ids and back, exactly as Hugging Face's `tokenizers` does it for Gemma's kind of BPE."""

import re
from collections.abc import Callable, Iterable

from gemtab.contracts.errors import TokenizerError
from gemtab.text.added_tokens import AddedTokens
from gemtab.text.bpe import Bpe
from gemtab.text.detokenizer import Detokenizer, byte_of
from gemtab.text.symbols import Symbols
from gemtab.text.vocabulary import AddedToken, Vocabulary, read_vocabulary

CACHED_WORDS = 20_000
CACHED_LENGTH = 32  # characters; longer words hardly come twice

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")  # JavaScript strings may hold half a pair


class Tokenizer:
    """The tokenizer of one model. Make it with `Tokenizer.from_bytes(vocabulary_bin)`."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._tokens = vocabulary.tokens
        self._ids = {token: i for i, token in enumerate(vocabulary.tokens) if token is not None}
        self._vocabulary = vocabulary
        self._spelled = {t.id: self._spelling(t) for t in vocabulary.added}
        self._by_content = {token.content: token.id for token in vocabulary.added}
        self._skipped = {token.content for token in vocabulary.added if token.special}
        self._symbols = Symbols(vocabulary, self._ids)
        self._early, self._bpe = _merges(vocabulary, self._ids)
        self._raw = AddedTokens((t.content, t) for t in vocabulary.added if not t.normalized)
        self._normalized = AddedTokens(
            (self._spelling(t), t) for t in vocabulary.added if t.normalized
        )
        self._split = _splitter(vocabulary.split_after)
        self._cut = _cutter(vocabulary)
        self._cache: dict[str, list[int]] = {}
        self.joiner = vocabulary.joiner

    @classmethod
    def from_bytes(cls, data: bytes) -> "Tokenizer":
        """Read vocabulary.bin."""
        return cls(read_vocabulary(data))

    def __len__(self) -> int:
        """One more than the highest id."""
        return max(len(self._tokens), *(i + 1 for i in self._spelled), 0)

    @property
    def special_ids(self) -> frozenset[int]:
        """Ids of special tokens: `decode` may skip them."""
        return frozenset(token.id for token in self._vocabulary.added if token.special)

    @property
    def markup(self) -> dict[str, int]:
        """Strings that only a template may turn into their ids, never a person's text."""
        return {token.content: token.id for token in self._vocabulary.added if token.markup}

    @property
    def added_strings(self) -> list[str]:
        """All strings that are cut out of a text before BPE."""
        return [token.content for token in self._vocabulary.added]

    def token(self, token_id: int) -> str | None:
        """The token of an id as the vocabulary spells it, or None."""
        if token_id in self._spelled:
            return self._spelled[token_id]
        return self._tokens[token_id] if 0 <= token_id < len(self._tokens) else None

    def id(self, token: str) -> int | None:
        """The id of a token, spelled as in the vocabulary, or None."""
        return self._by_content.get(token, self._ids.get(token))

    def encode(self, text: str) -> list[int]:
        """Ids of a text in which special strings are special. Adds no token of its own."""
        return self._encode(text, plain=False)

    def encode_plain(self, text: str) -> list[int]:
        """Ids of a text in which special strings are text like any other."""
        return self._encode(text, plain=True)

    def encode_guarded(self, text: str, guard: str) -> list[int]:
        """Ids of a rendered prompt: special strings count, but for those marked by `guard.py`."""
        ids: list[int] = []
        for token, piece in self._raw.split(_LONE_SURROGATE.sub("\ufffd", text), guard=guard):
            if token:
                ids.append(token.id)
            elif guard in piece:
                ids += self.encode_plain(piece.replace(guard, ""))
            else:
                self._encode_between(piece, False, ids)
        return ids

    def decode(self, ids: Iterable[int], skip_special: bool = False) -> str:
        """The text of some ids; ids without a token are left out."""
        detokenizer = Detokenizer(self, skip_special)
        return detokenizer.push(ids) + detokenizer.finish()

    def piece(self, token_id: int, skip_special: bool) -> str | int | None:
        """A token's text, its byte, or None where it has no text at all."""
        token = self.token(token_id)
        if token is None or (skip_special and token in self._skipped):
            return None
        for old, new in self._vocabulary.decoder_replacements:
            token = token.replace(old, new)
        byte = byte_of(token) if self._vocabulary.decoder_bytes else None
        return token if byte is None else byte

    def _spelling(self, token: AddedToken) -> str:
        return self._normalize(token.content) if token.normalized else token.content

    def _normalize(self, text: str) -> str:
        for old, new in self._vocabulary.replacements:
            text = text.replace(old, new)
        return text

    def _encode(self, text: str, plain: bool) -> list[int]:
        ids: list[int] = []
        for token, piece in self._raw.split(_LONE_SURROGATE.sub("\ufffd", text), plain):
            if token:
                ids.append(token.id)
            else:
                self._encode_between(piece, plain, ids)
        return ids

    def _encode_between(self, text: str, plain: bool, ids: list[int]) -> None:
        """Append the ids of text that has no raw added token in it."""
        for token, piece in self._normalized.split(self._normalize(text), plain):
            if token:
                ids.append(token.id)
                continue
            for chunk in self._split(piece):
                if self._vocabulary.ignore_merges and chunk in self._ids:
                    ids.append(self._ids[chunk])
                    continue
                for word in self._cut.findall(chunk) if self._cut else (chunk,):
                    ids += self._cache.get(word) or self._word(word)

    def _word(self, word: str) -> list[int]:
        symbols = self._symbols.of(word)
        if self._early and self._early[0].search(word):
            symbols = self._early[1].merge(symbols)
        ids = [self._ids[symbol] for symbol in self._bpe.merge(symbols)]
        if len(word) <= CACHED_LENGTH:
            if len(self._cache) >= CACHED_WORDS:
                self._cache.clear()
            self._cache[word] = ids
        return ids


def _merges(
    vocabulary: Vocabulary, ids: dict[str, int]
) -> tuple[tuple[re.Pattern[str], Bpe] | None, Bpe]:
    """What merges before all else, with the pattern of words that it touches; and the rest."""
    joiner = vocabulary.separator
    listed = {a + joiner + b: rank for rank, (a, b) in enumerate(vocabulary.merges)}
    if not vocabulary.implied_merges:
        return None, Bpe(listed, joiner)
    if not listed:
        return None, Bpe(ids, "")
    characters = {c for merge in vocabulary.merges for part in merge for c in part}
    pattern = "[" + "".join(map(re.escape, sorted(characters))) + "]{2}"
    late = dict(ids)
    for token in {a + b for a, b in vocabulary.merges}:
        del late[token]
    return (re.compile(pattern), Bpe(listed, joiner)), Bpe(late, "")


def _splitter(after: str | None) -> Callable[[str], list[str]]:
    """Cuts a text behind each `after`; where there is none (the usual case) it costs nothing."""
    if after is None:
        return lambda text: [text]
    end = re.escape(after)
    chunk = re.compile(f"(?:(?!{end}).)*{end}|(?:(?!{end}).)+", re.DOTALL)
    return lambda text: chunk.findall(text) if after in text else [text]


def _cutter(vocabulary: Vocabulary) -> re.Pattern[str] | None:
    cut = vocabulary.cut
    if not cut:
        return None
    if len(cut.mark) != 1:
        raise TokenizerError(f"vocabulary.bin cuts words at {cut.mark!r}, not at one character.")
    mark = re.escape(cut.mark)
    unsafe = "".join(map(re.escape, cut.unsafe_left))
    joined = f"(?:(?<=[{unsafe}]){mark}+[^{mark}]*)*" if unsafe else ""
    return re.compile(f"{mark}*[^{mark}]+{joined}|{mark}+")

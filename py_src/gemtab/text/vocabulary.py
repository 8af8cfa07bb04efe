"""vocabulary.bin: a tokenizer as the page loads it, in one read and one split.

    magic      b"gemtab-vocabulary-1\\n"
    u32        bytes of the header, little endian
    header     JSON, the fields of Vocabulary and the sizes of what follows
    tokens     UTF-8, ids 0…count-1 joined by `separator`, a character that no token contains
    merges     u32 ids of the left parts, then u32 ids of the right parts, lowest rank first

A parsed tokenizer.json costs hundreds of megabytes of a heap that never shrinks; this costs tens.
"""

import json
import sys
from array import array
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gemtab.contracts.errors import TokenizerError

MAGIC = b"gemtab-vocabulary-1\n"


@dataclass(frozen=True)
class AddedToken:
    """A string that is cut out of the text before BPE, as `tokenizers` does.

    `special` is the tokenizer's own flag (decode may skip it). `markup` is wider: what a person
    types must never become it, even where a tokenizer.json forgot to call a turn marker special.
    """

    id: int
    content: str
    special: bool = False
    markup: bool = False
    normalized: bool = False
    lstrip: bool = False
    rstrip: bool = False
    single_word: bool = False


@dataclass(frozen=True)
class Cut:
    """Where text may be cut into words with no effect on BPE.

    Before a run of `mark`, unless one of the characters in `unsafe_left` stands before it: some
    token holds that character and the mark side by side.
    """

    mark: str
    unsafe_left: str


@dataclass(frozen=True)
class Vocabulary:
    """All that encoding and decoding need.

    `implied_merges`: a pair merges if its joined string is a token, and the lower id goes first;
    `merges` then has only the few that go before all of those. Otherwise it has every merge.
    """

    tokens: list[str | None]  # by id; None where an id has no token
    separator: str
    merges: list[tuple[str, str]]
    implied_merges: bool
    unk_token: str | None
    fuse_unk: bool
    byte_fallback: bool
    ignore_merges: bool
    replacements: list[tuple[str, str]]  # the normalizer
    split_after: str | None  # the pre-tokenizer
    cut: Cut | None
    decoder_replacements: list[tuple[str, str]]
    decoder_bytes: bool
    joiner: str  # stands between the decoded tokens
    added: list[AddedToken]


_LISTED_APART = ("tokens", "merges")


def write_vocabulary(vocabulary: Vocabulary) -> bytes:
    """The bytes of vocabulary.bin."""
    tokens = vocabulary.tokens
    ids = {token: i for i, token in enumerate(tokens) if token is not None}
    body = vocabulary.separator.join(token or "" for token in tokens).encode()
    fields = {k: v for k, v in asdict(vocabulary).items() if k not in _LISTED_APART}
    fields |= {
        "count": len(tokens),
        "tokens_bytes": len(body),
        "merge_count": len(vocabulary.merges),
        "holes": [i for i, token in enumerate(tokens) if token is None],
    }
    header = json.dumps(fields, ensure_ascii=False).encode()
    parts = [MAGIC, len(header).to_bytes(4, "little"), header, body]
    for side in (0, 1):
        parts.append(_u32_bytes(array("I", [ids[merge[side]] for merge in vocabulary.merges])))
    return b"".join(parts)


def read_vocabulary(data: bytes) -> Vocabulary:
    """vocabulary.bin -> Vocabulary; a damaged file is a TokenizerError."""
    if not data.startswith(MAGIC):
        raise TokenizerError(
            f"vocabulary.bin starts with {data[:20]!r}, not with {MAGIC!r}. "
            f"Build the site again with the same Gemtab as the page's."
        )
    try:
        return _read(data)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise TokenizerError(
            f"vocabulary.bin is damaged ({error}). Download it again, or build the site again."
        ) from error


def _read(data: bytes) -> Vocabulary:
    start = len(MAGIC) + 4
    end = start + int.from_bytes(data[len(MAGIC) : start], "little")
    header: dict[str, Any] = json.loads(data[start:end])
    tokens_end = end + header["tokens_bytes"]
    tokens = _tokens(data[end:tokens_end].decode(), header)
    side = header["merge_count"] * 4
    if len(data) != tokens_end + 2 * side:
        raise ValueError(f"{len(data)} bytes instead of {tokens_end + 2 * side}")
    left = _from_u32(data[tokens_end : tokens_end + side])
    right = _from_u32(data[tokens_end + side :])
    merges = [(tokens[a] or "", tokens[b] or "") for a, b in zip(left, right, strict=True)]
    return Vocabulary(tokens=tokens, merges=merges, **_fields(header))


def _tokens(text: str, header: Mapping[str, Any]) -> list[str | None]:
    tokens: list[str | None] = list(text.split(header["separator"])) if header["count"] else []
    if len(tokens) != header["count"]:
        raise ValueError(f"{len(tokens)} tokens instead of {header['count']}")
    for hole in header["holes"]:
        tokens[hole] = None
    return tokens


def _fields(header: dict[str, Any]) -> dict[str, Any]:
    fields = {k: v for k, v in header.items() if k in Vocabulary.__dataclass_fields__}
    for name in ("replacements", "decoder_replacements"):
        fields[name] = [(old, new) for old, new in fields[name]]
    fields["cut"] = Cut(**fields["cut"]) if fields["cut"] else None
    fields["added"] = [AddedToken(**token) for token in fields["added"]]
    return fields


def _u32_bytes(numbers: "array[int]") -> bytes:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def _from_u32(data: bytes) -> "array[int]":
    numbers = array("I")
    numbers.frombytes(data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers

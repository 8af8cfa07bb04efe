"""tokenizer.json -> what vocabulary.bin holds, or a clear refusal where its meaning could not be kept.

Gemma's half a million merges say nothing that its vocabulary does not: every split of a token into
two tokens is a merge, and lower ids go first, but for runs of spaces and newlines, which go before
everything. Where this holds the merges are left out; where it does not they are stored, all.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from gemtab.contracts.errors import TokenizerError
from gemtab.text.vocabulary import AddedToken, Vocabulary
from gemtab_build.vocabulary import form
from gemtab_build.vocabulary.merges import find_cut, implied_prefix

Merge = tuple[str, str]
MAX_IDS = 1 << 24  # the list of tokens has a place for every id


def read_tokenizer_file(source: Path) -> Vocabulary:
    """What a tokenizer.json says, given as the file or the folder that holds it."""
    path = source / "tokenizer.json" if source.is_dir() else source
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise TokenizerError(
            f"{path}: no tokenizer.json to be read there ({error.strerror}). "
            f"Give a Hugging Face folder that has one."
        ) from error
    except UnicodeDecodeError as error:
        raise TokenizerError(f"{path} is not UTF-8. Download the tokenizer again.") from error
    try:
        return read_tokenizer_json(text)
    except TokenizerError as error:
        raise TokenizerError(f"{path}: {error}") from error


def read_tokenizer_json(text: str) -> Vocabulary:
    """What a tokenizer.json says, checked to be of a form that Gemtab's tokenizer follows."""
    reference = _parsed_by_reference(text)
    parsed = json.loads(text)
    model = form.check_model(parsed["model"])
    tokens = _tokens(model["vocab"])
    merges = _merges(model["merges"])
    replacements = form.normalizer(parsed.get("normalizer"))
    decoder = form.decoder(parsed.get("decoder"))
    early = implied_prefix(model["vocab"], merges)
    return Vocabulary(
        tokens=tokens,
        separator=_separator(tokens),
        merges=merges if early is None else merges[:early],
        implied_merges=early is not None,
        unk_token=model.get("unk_token"),
        fuse_unk=bool(model.get("fuse_unk")),
        byte_fallback=bool(model.get("byte_fallback")),
        ignore_merges=bool(model.get("ignore_merges")),
        replacements=replacements,
        split_after=form.pre_tokenizer(parsed.get("pre_tokenizer")),
        cut=find_cut(model, merges, replacements),
        decoder_replacements=decoder.replacements,
        decoder_bytes=decoder.bytes,
        joiner=decoder.joiner,
        added=_added(reference),
    )


def _parsed_by_reference(text: str) -> Tokenizer:
    try:
        return Tokenizer.from_str(text)
    except Exception as error:  # the library raises nothing narrower
        raise TokenizerError(
            f"Hugging Face's tokenizers cannot read it ({error}). Download the tokenizer again."
        ) from error


def _tokens(ids: Mapping[str, int]) -> list[str | None]:
    highest = max(ids.values(), default=-1)
    if highest >= MAX_IDS:
        raise TokenizerError(
            f"a token has the id {highest}, Gemtab reads ids below {MAX_IDS}. Download it again."
        )
    tokens: list[str | None] = [None] * (highest + 1)
    for token, token_id in ids.items():
        if tokens[token_id] is not None:
            raise TokenizerError(
                f"id {token_id} belongs to both {tokens[token_id]!r} and {token!r}. "
                f"Give one of them an id of its own."
            )
        tokens[token_id] = token
    return tokens


def _merges(listed: Sequence[str | Sequence[str]]) -> list[Merge]:
    """Merges as pairs; of a pair listed twice the later rank counts, as in the reference."""
    pairs = []
    for merge in listed:
        left, right = merge.split(" ") if isinstance(merge, str) else merge
        pairs.append((left, right))
    if len(set(pairs)) == len(pairs):
        return pairs
    last = {pair: rank for rank, pair in enumerate(pairs)}
    return sorted(last, key=lambda pair: last[pair])


def _separator(tokens: Sequence[str | None]) -> str:
    """A character that no token contains."""
    used = set("".join(token or "" for token in tokens))
    return next(chr(code) for code in range(0x110000) if chr(code) not in used)


def _added(reference: Tokenizer) -> list[AddedToken]:
    """Added tokens with the ids that the reference gives them, which may not be the file's."""
    return [
        AddedToken(
            id=token_id,
            content=token.content,
            special=token.special,
            markup=token.special or form.is_markup(token.content),
            normalized=token.normalized,
            lstrip=token.lstrip,
            rstrip=token.rstrip,
            single_word=token.single_word,
        )
        for token_id, token in sorted(reference.get_added_tokens_decoder().items())
    ]


def describe(vocabulary: Vocabulary) -> dict[str, Any]:
    """Facts for `gemtab inspect`."""
    return {
        "tokens": sum(token is not None for token in vocabulary.tokens),
        "added_tokens": len(vocabulary.added),
        "special_tokens": sum(token.special for token in vocabulary.added),
        "merges": "implied" if vocabulary.implied_merges else len(vocabulary.merges),
        "byte_fallback": vocabulary.byte_fallback,
    }

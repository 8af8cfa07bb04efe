"""What a list of merges says beyond its vocabulary, and where words may be cut."""

from collections.abc import Mapping, Sequence
from typing import Any

from gemtab.text.detokenizer import byte_of
from gemtab.text.vocabulary import Cut

Merge = tuple[str, str]

MOST_EARLY = 10_000  # more than that and the whole list may as well be stored
MOST_UNSAFE = 500  # characters; with more, hardly any cut would be left


def implied_prefix(ids: Mapping[str, int], merges: Sequence[Merge]) -> int | None:
    """How many merges must be stored when the others follow from the vocabulary, or None.

    The others follow if they are sorted by (id of the merged token, longer left part first), if no
    split of a token is missing, and if the stored ones can all be done before any other: they make
    tokens that no other merge makes, of parts that no other merge makes.
    """
    early = _closed(_unsorted_prefix(ids, merges), merges)
    return early if early <= MOST_EARLY and _has_every_split(ids, merges) else None


def find_cut(
    model: Mapping[str, Any], merges: Sequence[Merge], replacements: Sequence[tuple[str, str]]
) -> Cut | None:
    """Where words may be cut, or None where it is not safe or not worth it.

    No merge joins two characters that stand side by side in no merged token, so between those a
    text may be cut. Symbols that do not spell their own text (bytes, unknowns) break this if they
    merge, and so do unknown characters that vanish, since then their neighbours meet.
    """
    ids, unk = model["vocab"], model.get("unk_token")
    marks = [new for old, new in replacements if old == " " and len(new) == 1]
    if not marks or marks[0] not in ids or (unk is None and not _has_every_byte(model)):
        return None
    unspelled = {token for token in ids if byte_of(token) is not None} | {unk}
    if any(part in unspelled for merge in merges for part in merge):
        return None
    unsafe = _before(marks[0], [a + b for a, b in merges])
    return Cut(marks[0], "".join(sorted(unsafe))) if len(unsafe) <= MOST_UNSAFE else None


def _unsorted_prefix(ids: Mapping[str, int], merges: Sequence[Merge]) -> int:
    at, later = len(merges), (len(ids) + 1 << 40, 0)
    while at:
        a, b = merges[at - 1]
        key = (ids[a + b], -len(a))
        if key >= later:
            break
        at, later = at - 1, key
    return at


def _closed(early: int, merges: Sequence[Merge]) -> int:
    """The prefix, longer by what it needs for no later merge to make a token or part of its own."""
    wanted: set[str] = set()
    done = 0
    while done < early <= MOST_EARLY:
        for a, b in merges[done:early]:
            wanted |= {a, b, a + b}
        done = early
        for rank in range(early, len(merges)):
            if "".join(merges[rank]) in wanted:
                early = rank + 1
    return early


def _has_every_split(ids: Mapping[str, int], merges: Sequence[Merge]) -> bool:
    """Every merge is a split of a token (the reference sees to that), so counting is enough."""
    splits = 0
    for token in ids:
        for i in range(1, len(token)):
            splits += token[:i] in ids and token[i:] in ids
        if splits > len(merges):
            return False
    return splits == len(merges)


def _has_every_byte(model: Mapping[str, Any]) -> bool:
    every = (f"<0x{byte:02X}>" for byte in range(256))
    return bool(model.get("byte_fallback")) and all(byte in model["vocab"] for byte in every)


def _before(mark: str, tokens: Sequence[str]) -> set[str]:
    before: set[str] = set()
    for token in tokens:
        at = token.find(mark, 1)
        while at > 0:
            before.add(token[at - 1])
            at = token.find(mark, at + 1)
    return before - {mark}

"""Byte-pair merging of symbols: the lowest rank first, then the leftmost.

A short word rescans its few ranks with C-speed list methods; a long one (a text without spaces
can be megabytes) keeps a heap, so the cost stays n log n.
"""

from collections.abc import Mapping
from heapq import heapify, heappop, heappush
from itertools import pairwise

SHORT = 48  # symbols; about where the heap gets cheaper
NEVER = 1 << 60


class Bpe:
    """Merges by a table from `left + joiner + right` to a rank.

    With the vocabulary itself as the table and an empty joiner, all splits of a token share one
    rank. Of two pairs of equal rank that with the longer left part goes first: the order in which
    such vocabularies list the splits. (In a table of single pairs equal ranks mean equal pairs.)
    """

    def __init__(self, ranks: Mapping[str, int], joiner: str) -> None:
        self._rank = ranks.get
        self._joiner = joiner

    def merge(self, symbols: list[str]) -> list[str]:
        """The symbols, merged as far as the table goes. May change the list it is given."""
        if len(symbols) > SHORT:
            return self._merge_long(symbols)
        rank, joiner = self._rank, self._joiner
        ranks = [rank(a + joiner + b, NEVER) for a, b in pairwise(symbols)]
        while ranks:
            best = min(ranks)
            if best == NEVER:
                break
            i = ranks.index(best)
            if ranks.count(best) > 1:
                ties = [k for k in range(i, len(ranks)) if ranks[k] == best]
                i = max(ties, key=lambda k: (len(symbols[k]), -k))
            symbols[i] += symbols.pop(i + 1)
            del ranks[i]
            if i < len(ranks):
                ranks[i] = rank(symbols[i] + joiner + symbols[i + 1], NEVER)
            if i:
                ranks[i - 1] = rank(symbols[i - 1] + joiner + symbols[i], NEVER)
        return symbols

    def _merge_long(self, symbols: list[str]) -> list[str]:
        count = len(symbols)
        following = list(range(1, count + 1))  # `count` marks the end
        previous = list(range(-1, count - 1))
        queue = self._all_pairs(symbols)
        while queue:
            _, _, at, merged = heappop(queue)
            right = following[at]
            if right == count or not symbols[at] or symbols[at] + symbols[right] != merged:
                continue  # one of the two has merged with another neighbour since
            symbols[at] = merged
            symbols[right] = ""
            following[at] = after = following[right]
            if after < count:
                previous[after] = at
                self._push(queue, symbols, at, after)
            if previous[at] >= 0:
                self._push(queue, symbols, previous[at], at)
        return [symbol for symbol in symbols if symbol]

    def _all_pairs(self, symbols: list[str]) -> list[tuple[int, int, int, str]]:
        rank, joiner = self._rank, self._joiner
        queue = []
        for at, (a, b) in enumerate(pairwise(symbols)):
            found = rank(a + joiner + b, NEVER)
            if found != NEVER:
                queue.append((found, -len(a), at, a + b))
        heapify(queue)
        return queue

    def _push(
        self, queue: list[tuple[int, int, int, str]], symbols: list[str], at: int, right: int
    ) -> None:
        a, b = symbols[at], symbols[right]
        found = self._rank(a + self._joiner + b, NEVER)
        if found != NEVER:
            heappush(queue, (found, -len(a), at, a + b))

"""A word as the symbols that BPE starts from: characters, bytes of unknown ones, or `<unk>`."""

from collections.abc import Mapping

from gemtab.text.vocabulary import Vocabulary


class Symbols:
    """The first step of BPE, by the rules of one vocabulary."""

    def __init__(self, vocabulary: Vocabulary, ids: Mapping[str, int]) -> None:
        self._known = ids.__contains__
        self._bytes = vocabulary.byte_fallback
        self._unk = vocabulary.unk_token
        self._fuse = vocabulary.fuse_unk

    def of(self, word: str) -> list[str]:
        """The symbols of a word, each of them a token."""
        if all(map(self._known, word)):
            return list(word)
        return self._with_unknown(word)

    def _with_unknown(self, word: str) -> list[str]:
        symbols: list[str] = []
        waiting = False  # an unknown not yet written, for the next may fuse with it
        for character in word:
            if self._known(character):
                if waiting and self._unk is not None:
                    symbols.append(self._unk)
                waiting = False
                symbols.append(character)
            elif spelled := self._spell(character):
                # The reference leaves a waiting unknown waiting here, behind these bytes.
                symbols += spelled
            elif self._unk is not None:
                if waiting and not self._fuse:
                    symbols.append(self._unk)
                waiting = True
        if waiting and self._unk is not None:
            symbols.append(self._unk)
        return symbols

    def _spell(self, character: str) -> list[str]:
        """The byte tokens of a character, or nothing where one is missing."""
        if not self._bytes:
            return []
        tokens = [f"<0x{byte:02X}>" for byte in character.encode()]
        return tokens if all(map(self._known, tokens)) else []

"""Trimming of a reply's two streams, the thought and the answer, while they come in pieces."""

HEAD = "thought\n"  # how every thought begins, behind its marker


class Thinking:
    """The thoughts of a reply: without heads and outer white space, parted by an empty line."""

    def __init__(self, headless: bool = False) -> None:
        """`headless`: the head of the first thought stands in the prompt already."""
        self._head: str | None = None if headless else ""  # seen of it so far; None when past it
        self._held = ""
        self._given = False  # of this thought
        self._any = False  # of any

    def push(self, text: str) -> str:
        """What can be shown of the thought at hand."""
        if self._head is not None:
            text = self._head + text
            if HEAD.startswith(text) and text != HEAD:
                self._head = text
                return ""
            text = text.removeprefix(HEAD)
            self._head = None
        text = self._held + text
        shown = text.rstrip()
        self._held = text[len(shown) :]
        return self._show(shown)

    def end(self) -> None:
        """The thought is over, and what is held back is white space or head. Begin another."""
        self._head, self._held = "", ""
        self._given = False

    def _show(self, text: str) -> str:
        if not self._given:
            text = text.lstrip()
        if not text:
            return ""
        parted = self._any and not self._given
        self._given = self._any = True
        return "\n\n" + text if parted else text


class Answer:
    """What a reply says, without white space that only parts it from thoughts and calls."""

    def __init__(self) -> None:
        self._held = ""
        self._said = False
        self._block = False  # a thought or call came since the last word

    def push(self, text: str) -> str:
        """What can be shown; trailing white space waits for what follows it."""
        text = self._held + text
        shown = text.rstrip()
        self._held = text[len(shown) :] if shown else text
        if not shown:
            return ""
        if self._block and not self._said:
            shown = shown.lstrip()
        self._said, self._block = True, False
        return shown

    def block(self) -> None:
        """A thought or a call begins here."""
        self._block = True

    def end(self) -> str:
        """The white space at the end, if it belongs to the answer."""
        held, self._held = self._held, ""
        return "" if self._block else held

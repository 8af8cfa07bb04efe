"""Writes to a component of a vector that lanes share, found in WGSL.

WGSL lets a compiler make such a write a read and a write of the whole vector, and Metal's and D3D's do: what
another lane writes to the same vector meanwhile is lost. So shared vectors are written whole.
"""

import re

_COMMENT = re.compile(r"//[^\n]*")
_SHARED = re.compile(r"var<\s*(?:workgroup|storage\s*,\s*read_write)\s*>\s*(\w+)\s*:\s*([^;=]+)")
_STRUCT = re.compile(r"struct\s+(\w+)\s*\{([^}]*)\}")
_ALIAS = re.compile(r"alias\s+(\w+)\s*=\s*([^;]+);")
_ASSIGNS = re.compile(r"\s*(?:[-+*/%&|^]|<<|>>)?=(?!=)|\s*(?:\+\+|--)")
_POINTER = re.compile(r"ptr\s*<\s*(?:workgroup|storage)")
_HARMLESS = re.compile(r"(?:arrayLength|workgroupUniformLoad|atomic\w+)\s*\(\s*$")


def component_writes(wgsl: str) -> list[str]:
    """The left sides of all such writes; and pointers to shared memory, through which there may be more."""
    text = _COMMENT.sub("", wgsl)
    shared = {name: kind.strip() for name, kind in _SHARED.findall(text)}
    types = dict(_ALIAS.findall(text))
    members = {name: _members(body) for name, body in _STRUCT.findall(text)}
    found = _POINTER.findall(text)
    for match in re.finditer(r"(?<![\w.])\w+", text):
        if match[0] not in shared:
            continue
        before = text[: match.start()].rstrip()
        if before.endswith("&") and not before.endswith("&&") and not _HARMLESS.search(before[:-1]):
            found.append(f"&{match[0]}")
        end, steps = _path(text, match.end())
        if _ASSIGNS.match(text, end) and _into_vector(shared[match[0]], steps, types, members):
            found.append(text[match.start() : end])
    return found


def _members(body: str) -> dict[str, str]:
    """Of a struct: name to type."""
    return {
        name: kind.strip().rstrip(",")
        for name, kind in re.findall(r"(\w+)\s*:\s*([^:]+?)(?:,\s*(?=\w+\s*:|$)|$)", body.strip())
    }


def _path(text: str, at: int) -> tuple[int, list[str]]:
    """Where `[…]` and `.member` after a name end, and each of them: an index is ``."""
    steps = []
    while True:
        member = re.compile(r"\s*\.\s*(\w+)").match(text, at)
        opened = re.compile(r"\s*\[").match(text, at)
        if member:
            steps.append(member[1])
            at = member.end()
        elif opened:
            steps.append("")
            at = _closing(text, opened.end())
        else:
            return at, steps


def _closing(text: str, at: int) -> int:
    """After the bracket that closes what is open at `at`."""
    depth = 1
    while depth:
        depth += {"[": 1, "]": -1}.get(text[at], 0)
        at += 1
    return at


def _into_vector(
    kind: str, steps: list[str], types: dict[str, str], members: dict[str, dict[str, str]]
) -> bool:
    """Whether the steps lead from a type into a vector."""
    for step in steps:
        while kind in types:
            kind = types[kind].strip()
        if kind.startswith("vec"):
            return True
        kind = members[kind][step] if step else _element(kind)
    return False


def _element(kind: str) -> str:
    """Of an array, or the column of a matrix."""
    if kind.startswith("mat"):
        return "vec"
    inner = re.fullmatch(r"array\s*<(.*)>", kind, re.DOTALL)
    if not inner:
        raise ValueError(f"{kind} has no elements that this check knows")
    depth = 0
    for at, letter in enumerate(inner[1]):
        depth += {"<": 1, ">": -1, "(": 1, ")": -1}.get(letter, 0)
        if letter == "," and not depth:
            return inner[1][:at].strip()
    return inner[1].strip()

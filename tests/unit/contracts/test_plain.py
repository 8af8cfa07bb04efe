"""Plain data into dataclasses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from gemtab.contracts.plain import from_plain


@dataclass(frozen=True)
class Leaf:
    name: str
    size: float = 1.0


@dataclass(frozen=True)
class Tree:
    leaves: tuple[Leaf, ...]
    pair: tuple[int, float]
    by_name: Mapping[str, Leaf]
    best: Leaf | None = None
    tall: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)


DATA = {
    "leaves": [{"name": "a"}, {"name": "b", "size": 2}],
    "pair": [1, 2.5],
    "by_name": {"c": {"name": "c"}},
    "best": None,
    "more": {"d": [1, {}]},
}


def test_annotations_say_what_becomes_what():
    tree = from_plain(Tree, DATA)

    assert tree == Tree(
        (Leaf("a"), Leaf("b", 2.0)), (1, 2.5), {"c": Leaf("c")}, more={"d": [1, {}]}
    )
    assert type(tree.leaves[1].size) is float


WRONG = {
    "no object": ([], "it is '\\[\\]', not an object"),
    "a field that lacks": ({"leaves": []}, "it lacks by_name"),
    "a field too much": (DATA | {"root": 1}, "it has an unknown root"),
    "no list": (DATA | {"leaves": {}}, "it.leaves is '{}'"),
    "another type within": (
        DATA | {"leaves": [{"name": 3}]},
        r"it.leaves\[0\].name is '3', not str",
    ),
    "too few values": (DATA | {"pair": [1]}, "it.pair has 1 values, not 2"),
    "a truth for a number": (DATA | {"pair": [True, 1]}, r"it.pair\[0\] is 'True', not int"),
    "a fraction for a whole": (DATA | {"pair": [1.0, 1]}, r"it.pair\[0\] is '1.0', not int"),
    "a number for a truth": (DATA | {"tall": 1}, "it.tall is '1', not bool"),
    "null": (DATA | {"by_name": {"c": None}}, r"it.by_name\['c'\] is 'None'"),
}


@pytest.mark.parametrize(("data", "words"), WRONG.values(), ids=WRONG)
def test_what_is_otherwise_is_named(data, words):
    with pytest.raises(ValueError, match=words):
        from_plain(Tree, data)

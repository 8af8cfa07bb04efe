"""The load message's fields: what they may be, and what they come to."""

import pytest

from gemtab.contracts.errors import UsageError
from gemtab.generate.load_choices import LoadChoices


def test_what_is_not_chosen_is_the_engines_choice():
    assert LoadChoices.of({"model": "a/", "kv": None}) == LoadChoices()


def test_what_is_chosen_is_taken():
    chosen = {"context": 2, "kv": "q8", "chunk": 1, "ple": "disk", "memory": 1 << 20}

    assert LoadChoices.of({"model": "a/", **chosen}) == LoadChoices(**chosen)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("context", 1), ("context", "long"), ("context", True), ("context", 8192.5),
        ("kv", "q4"), ("kv", ["f16"]), ("chunk", 0), ("chunk", {}),
        ("ple", "moon"), ("ple", 1), ("memory", 2), ("memory", "2 GB"), ("memory", -1),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_with_its_name(name, value):
    with pytest.raises(UsageError) as told:
        LoadChoices.of({name: value})

    assert str(told.value).startswith(f"{name} is ")
    assert f"not {value!r}." in str(told.value)

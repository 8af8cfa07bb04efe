"""Notes on devices in a folder: kept from run to run, in the cache, and told by `gemtab doctor`."""

import asyncio
from pathlib import Path

import pytest

from gemtab.contracts.speed import Speed
from gemtab.kernels.tuning import Tuned, Tuning
from gemtab.trial.notes import Note
from gemtab_build.doctor import tuned
from gemtab_build.run.file_notes import FileNotes, notes_folder

NOTE = Note(
    "now", ("subgroups",), ("f16 is wrong",), 0, Tuned(Tuning(part=16), Speed(2.5e9, 7.25e9)), "a GPU, toy"
)  # fmt: skip


def recall(notes, name):
    return asyncio.run(notes.recall(name))


def remember(notes, name, text):
    asyncio.run(notes.remember(name, text))


def test_a_note_outlives_its_run(tmp_path):
    remember(FileNotes(tmp_path / "new"), "one", NOTE.to_json())

    text = recall(FileNotes(tmp_path / "new"), "one")

    assert Note.from_text(text, "now") == NOTE
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["one"]


def test_a_note_that_is_not_there_is_empty(tmp_path):
    assert recall(FileNotes(tmp_path / "none"), "one") == ""


def test_a_folder_that_cannot_be_made_keeps_nothing(tmp_path):
    (tmp_path / "file").write_text("in the way")
    notes = FileNotes(tmp_path / "file")

    remember(notes, "one", "text")

    assert recall(notes, "one") == ""


@pytest.mark.parametrize(
    ("set_", "folder"),
    [
        ({"GEMTAB_CACHE": "/c", "XDG_CACHE_HOME": "/x"}, "/c/devices"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/gemtab/devices"),
        ({"HOME": "/home/me"}, "/home/me/.cache/gemtab/devices"),
    ],
)
def test_notes_lie_in_the_users_cache(monkeypatch, set_, folder):
    for name in ("GEMTAB_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in set_.items():
        monkeypatch.setenv(name, value)

    assert notes_folder() == Path(folder)


def test_doctor_tells_what_was_picked(tmp_path):
    remember(FileNotes(tmp_path), "one", NOTE.to_json())
    (tmp_path / "two").write_text("not a note")

    (line,) = tuned(tmp_path)

    assert line == (
        "a GPU, toy: subgroups, 1 lost; 64 lanes, 16 a row; tiles of 64 tokens by 64 rows; "
        "2.50 G multiply-adds/s, 7.25 GB/s of weights"
    )

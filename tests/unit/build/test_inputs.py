"""Files that verbs read and write."""

from pathlib import Path

import pytest

from gemtab.contracts.errors import UsageError
from gemtab_build.inputs import read_list, read_text, whole_file


def test_a_file_is_written_whole_or_stays_as_it_was(tmp_path):
    path = tmp_path / "out.npy"
    path.write_bytes(b"old")

    def write():
        with whole_file(path) as stream:
            stream.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert path.read_bytes() == b"old"
    with whole_file(path) as stream:
        stream.write(b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_run_left_is_in_nobody_s_way(tmp_path):
    (tmp_path / ".out.npy.gemtab").write_bytes(b"half of an old one")

    with whole_file(tmp_path / "out.npy") as stream:
        stream.write(b"new")

    assert [path.name for path in tmp_path.iterdir()] == ["out.npy"]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "there")

    with whole_file(tmp_path / "link") as stream:
        stream.write(b"new")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there").read_bytes() == b"new"


FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")
def test_a_full_device_is_named():
    with (
        pytest.raises(UsageError, match="/dev/full cannot be written: No space"),
        whole_file(FULL) as stream,
    ):
        stream.write(b"x")


def test_newlines_and_nulls_are_read_as_they_are(tmp_path):
    (tmp_path / "t").write_bytes(b"\xef\xbb\xbfa\r\nb\0c\r")

    assert read_text(tmp_path / "t") == "\ufeffa\r\nb\0c\r"


def test_a_pair_of_surrogates_is_a_character(tmp_path):
    (tmp_path / "t").write_text('["\\ud83d\\ude00"]')

    assert read_list(tmp_path / "t", "texts") == ["😀"]

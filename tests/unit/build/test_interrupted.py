"""What a build that does not come to its end leaves behind: nothing, and the site that was there."""

import os
import resource
import signal
import subprocess
import sys

import pytest

from gemtab.contracts.errors import UsageError
from gemtab_build.artifact import build_artifact, open_artifact
from gemtab_build.cli import main
from gemtab_build.site.work_folder import work_folder
from gemtab_build.verify import verify_artifact
from helpers.toy_checkpoint import write_checkpoint

# Builds, and stands still at the first bytes of weights until it is ended.
BUILD = """
import sys
from gemtab_build import cli
from gemtab_build.weights import shard
def add(*_):
    print("writing", flush=True)
    sys.stdin.read()
shard.ShardWriter.add = add
cli.entry()
"""


@pytest.fixture
def stuck(rng, tmp_path):
    """A function that starts a build of tmp_path/hf into OUT and returns it in the midst of writing."""
    write_checkpoint(tmp_path / "hf", rng)
    started = []

    def start(out):
        args = ["build", str(tmp_path / "hf"), "--out", str(out), "--model-only"]
        process = subprocess.Popen(
            [sys.executable, "-c", BUILD, *args],
            env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(process)
        assert process.stdout.readline() == "writing\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def names(folder):
    return {path.name for path in folder.iterdir()}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_leaves_nothing_and_spares_what_was_there(tmp_path, stuck, number, code):
    build_artifact(str(tmp_path / "hf"), tmp_path / "good")
    for out in (tmp_path / "good", tmp_path / "deep" / "new"):
        process = stuck(out)
        process.send_signal(number)
        _, told = process.communicate()

        assert process.returncode == code
        assert "Traceback" not in told
        assert names(tmp_path) == {"hf", "good"}
    verify_artifact(*open_artifact(tmp_path / "good"))


@pytest.mark.slow
def test_what_a_killed_build_left_is_removed_by_the_next(tmp_path, stuck):
    build_artifact(str(tmp_path / "hf"), tmp_path / "site")
    process = stuck(tmp_path / "site")
    process.kill()
    process.wait()

    assert names(tmp_path) == {"hf", "site", ".site.gemtab"}
    verify_artifact(*open_artifact(tmp_path / "site"))
    build_artifact(str(tmp_path / "hf"), tmp_path / "site", "f32")
    assert names(tmp_path) == {"hf", "site"}
    verify_artifact(*open_artifact(tmp_path / "site"))


@pytest.mark.slow
def test_two_builds_into_one_folder_do_not_mix(tmp_path, stuck):
    stuck(tmp_path / "site")

    with pytest.raises(UsageError, match="Another gemtab is writing"):
        build_artifact(str(tmp_path / "hf"), tmp_path / "site")

    build_artifact(str(tmp_path / "hf"), tmp_path / "other")
    assert names(tmp_path) == {"hf", "other", ".site.gemtab"}


@pytest.fixture
def small_disk():
    """A process that can write no file of more than 64 KiB."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 10, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_one_line_and_leaves_nothing(rng, tmp_path, capsys, request):
    write_checkpoint(tmp_path / "hf", rng)
    build_artifact(str(tmp_path / "hf"), tmp_path / "good")
    request.getfixturevalue("small_disk")
    build = ["build", str(tmp_path / "hf"), "--model-only", "--out"]
    for args in (
        [*build, str(tmp_path / "good")],
        [*build, str(tmp_path / "new")],
        ["export", str(tmp_path / "good"), "--out", str(tmp_path / "new")],
    ):
        assert main(args) == 2
        told = capsys.readouterr().err
        assert told.startswith(f"error: {args[-1]} cannot be written: ")
        assert told.count("\n") == 1
    assert names(tmp_path) == {"hf", "good"}
    verify_artifact(*open_artifact(tmp_path / "good"))


def test_folders_on_the_way_go_again_unless_they_hold_something(tmp_path):
    with work_folder(tmp_path / "a" / "b" / "c"):
        (tmp_path / "a" / "mine").write_text("x")

    assert [path.name for path in tmp_path.rglob("*")] == ["a", "mine"]

"""The command: what it prints, its exit codes, and that a mistake is one line."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gemtab_build.cli import VERBS, main
from helpers.toy_checkpoint import write_checkpoint, write_weights


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A built model, for tests that leave it alone."""
    folder = tmp_path_factory.mktemp("command")
    write_checkpoint(folder / "hf", np.random.default_rng(5))
    assert main(["build", str(folder / "hf"), "--out", str(folder / "site"), "--model-only"]) == 0
    return str(folder / "site")


def refuses(capsys, args, *words, code=2):
    """The command fails with this code and one line that holds the words."""
    capsys.readouterr()
    assert main([str(arg) for arg in args]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    is_one_line(captured.err, *words)


def is_one_line(told, *words):
    assert told.startswith("error: ")
    assert told.count("\n") == 1
    assert "Traceback" not in told
    for word in words:
        assert word in told


@pytest.mark.slow
def test_a_site_is_in_order(site, capsys):
    assert main(["verify", site]) == 0
    assert "every hash matches" in capsys.readouterr().out


def test_verbs_on_a_site(site, tmp_path, capsys):
    assert main(["export", site, "--out", str(tmp_path / "back")]) == 0
    capsys.readouterr()
    assert main(["inspect", site, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["kind"] == "artifact"
    assert sum(facts["weight_bytes_by_encoding"].values()) == facts["weight_bytes"]
    assert facts["needs"] == json.loads((Path(site) / "model/manifest.json").read_text())["needs"]
    assert main(["inspect", site]) == 0
    needed = facts["needs"]["contexts"]["4096"]["binding"]
    assert f"a binding of at least {needed:,} B" in capsys.readouterr().out
    assert main(["tokenize", site, "--text", "<bos>Hello"]) == 0
    assert json.loads(capsys.readouterr().out)[0] == 2
    (tmp_path / "m.json").write_text('[{"role": "user", "content": "Hi"}]')
    assert main(["prompt", site, "--messages", str(tmp_path / "m.json")]) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"prompt", "ids"}


@pytest.mark.gpu
def test_every_reply_draws_anew_and_a_seed_repeats_one(site, capsys):
    def reply(*options):
        capsys.readouterr()
        command = ["run", site, "--prompt", "Hi", "--max-tokens", "8", "--context", "64", "--json"]
        assert main([*command, *options]) == 0
        return json.loads(capsys.readouterr().out)

    first, second = reply(), reply("--temperature", "1")

    seed = first["usage"]["seed"]
    again = reply("--seed", str(seed))
    assert again["usage"]["seed"] == seed != second["usage"]["seed"]
    assert again["ids"] == first["ids"] != second["ids"]
    assert reply("--temperature", "1e-46")["ids"] == reply("--greedy")["ids"]


def test_every_verb_has_help(capsys):
    for verb in VERBS:
        assert main([verb, "--help"]) == 0
        assert f"gemtab {verb}" in capsys.readouterr().out


RUN = ("run", "SITE", "--prompt", "Hi")
LOGITS = ("logits", "SITE", "--out", "FOLDER/out.npy", "--ids")
MISTAKES = {
    "no verb": ((), "VERB"),
    "no such verb": (("nonsense",), "'nonsense'"),
    "an unknown option": (("verify", "SITE", "--nonsense"), "--nonsense"),
    "an option that lacks its value": ((*RUN, "--seed"), "--seed"),
    "a value of another type": ((*RUN, "--seed", "x"), "'x'"),
    "no text to parse": (("parse",), "--text"),
    "two texts": (("parse", "--text", "a", "--file", "b"), "--file"),
    "a text that is no characters": (("parse", "--text", "a\udcff"), "--text", "half a character"),
    "a file that is not there": (("tokenize", "SITE", "--file", "FOLDER/none"), "none"),
    "a file that is a folder": (("tokenize", "SITE", "--file", "FOLDER"), "directory"),
    "a file that is not UTF-8": (("tokenize", "SITE", "--file", "FOLDER/latin"), "byte 1"),
    "half a character in a file": (("parse", "--file", "FOLDER/surrogate"), "not UTF-8"),
    "no site": (("verify", "FOLDER/none"), "none", "gemtab build"),
    "a folder that is no site": (("inspect", "FOLDER"), "config.json"),
    "a folder that is no checkpoint": (("build", "FOLDER", "--out", "FOLDER/x"), "config.json"),
    "no checkpoint": (("build", "FOLDER/none", "--out", "FOLDER/x"), "none"),
    "another encoding": (("build", "demo", "--out", "x", "--weights", "q3"), "'q3'"),
    "a place that is taken": (("build", "demo", "--out", "FOLDER/latin"), "in the way"),
    "an export onto files": (("export", "SITE", "--out", "FOLDER"), "not an empty folder"),
    "ids that are not there": ((*LOGITS, "FOLDER/none"), "none"),
    "ids that are no JSON": ((*LOGITS, "FOLDER/latin"), "latin"),
    "ids that are no list": ((*LOGITS, "FOLDER/object.json"), "no JSON list"),
    "ids with a fraction": ((*LOGITS, "FOLDER/fraction.json"), "list of token ids"),
    "no ids": ((*LOGITS, "FOLDER/empty.json"), "at least one"),
    "an id past the vocabulary": ((*LOGITS, "FOLDER/large.json"), "ids[1] is 1543", "0 to 1542"),
    "an id below zero": ((*LOGITS, "FOLDER/negative.json"), "ids[0] is -1"),
    "logits into no folder": (
        ("logits", "SITE", "--ids", "FOLDER/ids.json", "--out", "FOLDER/none/a.npy"),
        "a.npy cannot be written",
    ),
    "logits onto a folder": (
        ("logits", "SITE", "--ids", "FOLDER/ids.json", "--out", "FOLDER"),
        "cannot be written",
    ),
    "a picture": ((*RUN, "--image", "a.png"), "--image", "yet"),
    "a sound": ((*RUN, "--audio", "a.wav"), "--audio", "yet"),
    "a film": ((*RUN, "--video", "a.mp4"), "--video", "yet"),
    "a temperature below zero": ((*RUN, "--temperature", "-1"), "temperature", "-1"),
    "a temperature that is no number": ((*RUN, "--temperature", "nan"), "temperature", "nan"),
    "no candidates": ((*RUN, "--top-k", "0"), "top_k", "256"),
    "too many candidates": ((*RUN, "--top-k", "257"), "top_k", "256"),
    "no share": ((*RUN, "--top-p", "0"), "top_p"),
    "a seed that is too large": ((*RUN, "--seed", str(1 << 32)), "seed", "4294967295"),
    "a reply of nothing": ((*RUN, "--max-tokens", "0"), "--max-tokens"),
    "a prompt and messages": ((*RUN, "--messages", "m.json"), "--messages"),
    "neither prompt nor messages": (("run", "SITE"), "--prompt"),
    "a browser without a page": ((*RUN, "--on", "browser"), "engine/worker.js"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Files that are wrong, each in its way."""
    files = {
        "latin": b"\x7b\xe4\xf6",
        "surrogate": b"a\xed\xa0\x80",
        "object.json": b"{}",
        "fraction.json": b"[1.5, true]",
        "empty.json": b"[]",
        "large.json": b"[2, 1543]",
        "negative.json": b"[-1]",
        "ids.json": b"[2, 3]",
    }
    folder = tmp_path_factory.mktemp("wrong")
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


@pytest.mark.parametrize("row", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_of_the_caller_is_one_line_and_exits_2(site, folder, capsys, row):
    args, *words = row
    before = sorted(folder.rglob("*"))

    refuses(capsys, [a.replace("SITE", site).replace("FOLDER", str(folder)) for a in args], *words)

    assert sorted(folder.rglob("*")) == before


CALL = {"id": "1", "function": {"name": "f", "arguments": {}}}
USER = {"role": "user", "content": "x"}
MESSAGES = {
    "no JSON": ("[{", "not JSON"),
    "no list": ({"role": "user"}, "no JSON list"),
    "nested without end": ("[" * 100_000, "nested too deeply"),
    "a number that JSON has not": ('[{"role": "user", "content": NaN}]', "NaN"),
    "half a character": ('["\\ud800"]', "half a character"),
    "none": ([], "empty"),
    "no object": ([1], "messages[0] is a number"),
    "no role": ([{"content": "x"}], "messages[0]: role None"),
    "an unknown role": ([USER, {"role": "wizard", "content": "x"}], "messages[1]: role 'wizard'"),
    "a role that is a list": ([{"role": ["user"], "content": "x"}], "role ['user']"),
    "no content": ([{"role": "user"}], "messages[0]", "without content"),
    "content that is a number": (
        [{"role": "user", "content": 5}],
        "messages[0].content is a number",
    ),
    "a part without text": (
        [{"role": "user", "content": [{"type": "text"}]}],
        "messages[0].content[0].text is missing",
    ),
    "a part of an unknown type": (
        [{"role": "user", "content": [{"type": "smell"}]}],
        "messages[0].content[0]: type 'smell'",
    ),
    "a picture": (
        [{"role": "user", "content": [{"type": "image", "image": "a.png"}]}],
        "messages[0].content[0]",
        "does not read image parts yet",
    ),
    "a thought that is a number": ([USER | {"thinking": 1}], "messages[0].thinking is a number"),
    "calls of a user": ([USER | {"tool_calls": [CALL]}], "messages[0]", "only an assistant's"),
    "calls that are no list": (
        [USER, {"role": "assistant", "tool_calls": "f"}],
        "messages[1].tool_calls is a string",
    ),
    "a call without a name": (
        [USER, {"role": "assistant", "tool_calls": [{"id": "1"}]}],
        "messages[1].tool_calls[0]",
    ),
    "arguments that are text": (
        [
            USER,
            {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]},
        ],
        "arguments is a string, not an object",
    ),
    "a result without a call": (
        [USER, {"role": "tool", "name": "f", "content": "1"}],
        "messages[1] is a tool's result",
    ),
    "a result after the reply to it": (
        [
            USER,
            {"role": "assistant", "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "1", "content": "1"},
            {"role": "assistant", "content": "One."},
            {"role": "tool", "tool_call_id": "1", "content": "2"},
        ],
        "messages[4] is a tool's result",
    ),
    "a result of another call": (
        [
            USER,
            {"role": "assistant", "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "2", "content": "1"},
        ],
        "messages[2]: tool_call_id '2'",
    ),
}


@pytest.mark.parametrize("row", MESSAGES.values(), ids=MESSAGES)
def test_malformed_messages_are_one_line_and_exit_2(site, tmp_path, capsys, row):
    messages, *words = row
    text = messages if isinstance(messages, str) else json.dumps(messages)
    (tmp_path / "m.json").write_text(text)

    refuses(capsys, ["run", site, "--messages", tmp_path / "m.json"], *words)


@pytest.mark.parametrize(
    ("tools", "word"),
    {
        "no list": ("{}", "no JSON list"),
        "no name": ('[{"function": {}}]', "tools[0] has no function with a name"),
        "no schema": ('[{"function": {"name": "f", "parameters": []}}]', "tools[0].function"),
    }.values(),
)
def test_malformed_tools_are_one_line_and_exit_2(site, tmp_path, capsys, tools, word):
    (tmp_path / "t.json").write_text(tools)

    refuses(capsys, ["run", site, "--prompt", "Hi", "--tools", tmp_path / "t.json"], word)


def test_a_result_that_names_its_tool_or_its_call_is_taken(site, tmp_path, capsys):
    calls = {"role": "assistant", "tool_calls": [CALL, CALL | {"id": "2"}]}
    named = {"role": "tool", "name": "f", "content": "1"}
    by_id = {"role": "tool", "tool_call_id": "2", "content": None}
    (tmp_path / "m.json").write_text(json.dumps([USER, calls, named, by_id]))

    assert main(["prompt", site, "--messages", str(tmp_path / "m.json")]) == 0
    assert capsys.readouterr().out.count("<|tool_response>") == 2


def test_parse_prints_the_parts(capsys):
    assert main(["parse", "--text", "Hello"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "thinking": None, "text": "Hello", "tool_calls": [], "incomplete": False,
    }  # fmt: skip


def test_missing_and_misshapen_tensors_are_named(rng, tmp_path, capsys):
    values = write_checkpoint(tmp_path / "hf", rng)
    build = ["build", tmp_path / "hf", "--out", tmp_path / "x"]
    file = tmp_path / "hf" / "model.safetensors"
    scalar = values.pop("model.layers.0.layer_scalar")
    write_weights(file, values)
    refuses(capsys, build, "layer_scalar")
    values |= {"model.layers.0.layer_scalar": scalar, "model.norm.weight": scalar}
    write_weights(file, values)
    refuses(capsys, build, "[1]", "[160]")
    file.write_bytes((1 << 60).to_bytes(8, "little"))
    refuses(capsys, build, "cut off")
    file.write_bytes((2).to_bytes(8, "little") + b"{]")
    refuses(capsys, build, "header")
    assert [path.name for path in tmp_path.iterdir()] == ["hf"]


def test_a_damaged_site_is_one_line_and_exits_2(rng, tmp_path, capsys):
    write_checkpoint(tmp_path / "hf", rng)
    site = tmp_path / "site"
    assert main(["build", str(tmp_path / "hf"), "--out", str(site), "--model-only"]) == 0
    shard = next(site.glob("model/????????????????.bin"))
    data = bytearray(shard.read_bytes())
    data[-9] ^= 1
    shard.write_bytes(data)
    for args in (["verify", site], ["export", site, "--out", tmp_path / "back"]):
        refuses(capsys, args, shard.name, "SHA-256")
    (site / "model" / "manifest.json").write_text("{}")
    refuses(capsys, ["verify", site], "manifest.json")
    assert {path.name for path in tmp_path.iterdir()} == {"hf", "site"}


def test_a_port_in_use_is_one_line(site, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refuses(capsys, ["serve", site, "--port", port], str(port), "--port")


@pytest.mark.slow
def test_no_adapter_is_one_line(site):
    """In a process of its own: Vulkan looks for its drivers once."""
    nowhere = dict.fromkeys(("VK_ICD_FILENAMES", "VK_DRIVER_FILES"), "/nowhere")
    ended = subprocess.run(
        [sys.executable, "-m", "gemtab_build.cli", *RUN[:1], site, *RUN[2:]],
        env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path), **nowhere),
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert ended.returncode == 2
    is_one_line(ended.stderr, "adapter", "driver")


def test_a_fault_of_ours_exits_1_and_says_where(capsys, monkeypatch):
    monkeypatch.setattr("gemtab_build.verbs.parse.parse", lambda _: 1 // 0)

    refuses(capsys, ["parse", "--text", "x"], "ZeroDivisionError in test_cli.py", code=1)

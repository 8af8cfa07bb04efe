"""The command: what it prints, and its exit codes."""

import json

import pytest

from gemtab_build.cli import main
from helpers.toy_checkpoint import write_checkpoint, write_weights


@pytest.fixture
def site(rng, tmp_path):
    write_checkpoint(tmp_path / "hf", rng)
    out = str(tmp_path / "site")
    assert main(["build", str(tmp_path / "hf"), "--out", out, "--model-only"]) == 0
    return out


def refuses(capsys, args, code, *words):
    """The command fails with this code and one line that holds the words."""
    capsys.readouterr()
    assert main([str(arg) for arg in args]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    for word in words:
        assert word in captured.err


def test_verbs_on_a_site(site, tmp_path, capsys):
    assert main(["verify", site]) == 0
    assert main(["export", site, "--out", str(tmp_path / "back")]) == 0
    capsys.readouterr()
    assert main(["inspect", site, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["kind"] == "artifact"
    assert sum(facts["weight_bytes_by_encoding"].values()) == facts["weight_bytes"]
    assert main(["tokenize", site, "--text", "<bos>Hello"]) == 0
    assert json.loads(capsys.readouterr().out)[0] == 2
    (tmp_path / "m.json").write_text('[{"role": "user", "content": "Hi"}]')
    assert main(["prompt", site, "--messages", str(tmp_path / "m.json")]) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"prompt", "ids"}


def test_parse_prints_the_parts(capsys):
    assert main(["parse", "--text", "Hello"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "thinking": None, "text": "Hello", "tool_calls": [], "incomplete": False,
    }  # fmt: skip


def test_mistakes_of_the_caller_exit_2(site, tmp_path, capsys):
    (tmp_path / "bad.json").write_text("[{")
    refuses(capsys, ["prompt", site, "--messages", tmp_path / "bad.json"], 2, "bad.json")
    refuses(capsys, ["tokenize", site, "--file", tmp_path / "none"], 2, "none")
    refuses(capsys, ["verify", tmp_path / "none"], 2, "none")
    refuses(capsys, ["build", "./google/gemma", "--out", tmp_path / "x"], 2, "no folder")
    refuses(capsys, ["build", tmp_path, "--out", tmp_path / "x"], 2, "config.json")
    for argv in ([], ["nonsense"], ["verify", site, "--nonsense"], ["parse"]):
        assert main(argv) == 2
    assert not (tmp_path / "x").exists()


def test_what_gemtab_does_not_run_is_refused_by_name(rng, tmp_path, capsys):
    write_checkpoint(tmp_path / "hf", rng)
    config = json.loads((tmp_path / "hf" / "config.json").read_text())
    for change in ({"enable_moe_block": True}, {"hidden_size": 192}, {"num_hidden_layers": 5}):
        (tmp_path / "hf" / "config.json").write_text(json.dumps(config | change))
        word = {"enable_moe_block": "mixture-of-experts"}.get(next(iter(change)), "config.json")
        refuses(capsys, ["build", tmp_path / "hf", "--out", tmp_path / "x"], 2, word)
    del config["hidden_size"]
    (tmp_path / "hf" / "config.json").write_text(json.dumps(config))
    refuses(capsys, ["build", tmp_path / "hf", "--out", tmp_path / "x"], 2, "hidden_size")


def test_missing_and_misshapen_tensors_are_named(rng, tmp_path, capsys):
    values = write_checkpoint(tmp_path / "hf", rng)
    file = tmp_path / "hf" / "model.safetensors"
    scalar = values.pop("model.layers.0.layer_scalar")
    write_weights(file, values)
    refuses(capsys, ["build", tmp_path / "hf", "--out", tmp_path / "x"], 2, "layer_scalar")
    values |= {"model.layers.0.layer_scalar": scalar, "model.norm.weight": scalar}
    write_weights(file, values)
    refuses(capsys, ["build", tmp_path / "hf", "--out", tmp_path / "x"], 2, "[1]", "[160]")
    file.write_bytes((1 << 60).to_bytes(8, "little"))
    refuses(capsys, ["build", tmp_path / "hf", "--out", tmp_path / "x"], 2, "cut off")
    file.write_bytes((2).to_bytes(8, "little") + b"{]")
    refuses(capsys, ["build", tmp_path / "hf", "--out", tmp_path / "x"], 2, "header")


def test_a_damaged_site_exits_1(site, tmp_path, capsys):
    (tmp_path / "site" / "model" / "manifest.json").write_text("{}")
    refuses(capsys, ["verify", site], 1, "manifest.json")

"""Hub ids through the command, against a stand-in for the Hub: each run is a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from helpers.hub_server import COMMIT, Hub, serve_hub
from helpers.toy_checkpoint import write_checkpoint, write_weights

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[3]
REPO = "some-lab/tiny-model"
WEIGHTS = "model.safetensors"
CHUNK = 10 << 20  # huggingface_hub writes as much at a time; less is lost when a file breaks off


@pytest.fixture
def hub(rng, tmp_path):
    """A toy model on the stand-in, with a tower and files that Gemtab has no use for."""
    folder = tmp_path / "hf"
    values = write_checkpoint(folder, rng)
    values["model.vision_tower.wide"] = np.ones((1, CHUNK), np.float32)
    write_weights(folder / WEIGHTS, values)
    (folder / "onnx").mkdir()
    for name in ("README.md", "onnx/config.json", "onnx/model.safetensors", "tf_model.h5"):
        (folder / name).write_text("{}")
    with serve_hub(Hub.of(REPO, folder)) as served:
        yield served


@pytest.fixture
def gemtab(hub, tmp_path):
    """Runs the command with the stand-in as its Hub and a cache of its own."""

    def run(*args, **settings):
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("HF_")},
            "HF_ENDPOINT": hub.address,
            "HF_HOME": str(tmp_path / "home"),
            "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("py_src", "build")),
            **settings,
        }
        command = [sys.executable, "-m", "gemtab_build.cli", *map(str, args)]
        return subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )

    return run


def built(ended, out):
    """The manifest of a build that went well."""
    assert ended.returncode == 0, ended.stderr
    return json.loads((out / "model" / "manifest.json").read_text())


def refused(ended, *words):
    """The command ended with one line that holds the words, for the caller's mistake."""
    assert ended.returncode == 2, ended.stderr
    assert ended.stdout == ""
    assert ended.stderr.startswith("error: ")
    assert ended.stderr.count("\n") == 1
    for word in words:
        assert word in ended.stderr


def build(gemtab, tmp_path, *args, model=REPO, **settings):
    return gemtab("build", model, "--out", tmp_path / "site", "--model-only", *args, **settings)


def test_only_what_gemtab_reads_is_downloaded_and_once(hub, gemtab, tmp_path):
    manifest = built(build(gemtab, tmp_path), tmp_path / "site")
    assert manifest["model"] == "tiny-model"
    assert any(COMMIT in note and REPO in note for note in manifest["notes"])
    got = [name for method, name, _ in hub.seen if method == "GET"]
    wanted = {
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "chat_template.jinja",
        WEIGHTS,
    }
    assert sorted(got) == sorted(wanted)

    built(build(gemtab, tmp_path, "--revision", COMMIT), tmp_path / "site")
    assert [name for method, name, _ in hub.seen if method == "GET"] == got


def test_a_local_folder_wins(hub, gemtab, tmp_path, rng):
    (tmp_path / "some-lab").mkdir()
    write_checkpoint(tmp_path / REPO, rng)
    built(build(gemtab, tmp_path), tmp_path / "site")
    assert not hub.seen
    refused(build(gemtab, tmp_path, "--revision", "main"), "--revision", REPO)


def test_shards_of_an_index_are_downloaded(hub, gemtab, tmp_path, rng):
    folder = tmp_path / "parts"
    values = write_checkpoint(folder, rng)
    names = list(values)
    parts = {"model-1-of-2.safetensors": names[::2], "model-2-of-2.safetensors": names[1::2]}
    for file, held in parts.items():
        write_weights(tmp_path / file, {name: values[name] for name in held})
        hub.files[file] = (tmp_path / file).read_bytes()
    weight_map = {name: file for file, held in parts.items() for name in held}
    hub.files["model.safetensors.index.json"] = json.dumps({"weight_map": weight_map}).encode()
    del hub.files[WEIGHTS]
    built(build(gemtab, tmp_path), tmp_path / "site")
    assert {name for _, name, _ in hub.seen} > set(parts)


def test_a_broken_download_goes_on_within_a_run(hub, gemtab, tmp_path):
    hub.break_at[WEIGHTS] = CHUNK + 4099
    built(build(gemtab, tmp_path), tmp_path / "site")
    assert hub.ranges(WEIGHTS) == [None, f"bytes={CHUNK}-"]


def test_a_broken_download_goes_on_in_the_next_run(hub, gemtab, tmp_path):
    hub.break_at[WEIGHTS], hub.then_refuse = CHUNK + 4099, True
    refused(build(gemtab, tmp_path), REPO, "503", "Run it again")
    assert not (tmp_path / "site").exists()
    hub.then_refuse = False
    hub.seen.clear()
    hub.break_at.clear()
    built(build(gemtab, tmp_path), tmp_path / "site")
    assert hub.ranges(WEIGHTS) == [f"bytes={CHUNK}-"]


def test_a_file_that_arrives_damaged_is_dropped(hub, gemtab, tmp_path):
    hub.damaged.add(WEIGHTS)
    refused(build(gemtab, tmp_path), WEIGHTS, "SHA-256")
    hub.damaged.clear()
    built(build(gemtab, tmp_path), tmp_path / "site")
    assert hub.ranges(WEIGHTS) == [None, None]


def test_offline_the_cache_will_do(hub, gemtab, tmp_path):
    refused(build(gemtab, tmp_path, HF_HUB_OFFLINE="1"), REPO, "HF_HUB_OFFLINE", "home")
    built(build(gemtab, tmp_path), tmp_path / "site")
    hub.seen.clear()
    built(build(gemtab, tmp_path, HF_HUB_OFFLINE="1"), tmp_path / "site")
    built(build(gemtab, tmp_path, HF_ENDPOINT="http://127.0.0.1:9"), tmp_path / "site")
    assert gemtab("inspect", REPO, HF_HUB_OFFLINE="1").returncode == 0
    assert not hub.seen


def test_weights_that_are_not_in_the_cache_are_missed_offline(gemtab, tmp_path):
    assert gemtab("inspect", REPO).returncode == 0
    for verb in (["build", REPO, "--out", tmp_path / "site"], ["inspect", REPO]):
        refused(gemtab(*verb, HF_HUB_OFFLINE="1"), REPO, "HF_HUB_OFFLINE")


def test_inspect_reads_headers_and_no_weights(hub, gemtab):
    ended = gemtab("inspect", REPO, "--json", "--revision", "main")
    facts = json.loads(ended.stdout)
    assert facts["dtypes"] == ["BF16"]
    assert facts["kind"] == "checkpoint"
    assert all(hub.ranges(WEIGHTS)), "ranges alone, never the whole file"


def test_what_cannot_be_had_is_told_in_a_line(hub, gemtab, tmp_path):
    refused(build(gemtab, tmp_path, model="some-lab/other"), "some-lab/other", "no folder", "login")
    refused(build(gemtab, tmp_path, model="no--such/thing"), "no--such/thing")
    refused(build(gemtab, tmp_path, "--revision", "v9"), "no revision v9")
    refused(build(gemtab, tmp_path, HF_ENDPOINT="http://127.0.0.1:9"), REPO, "reached")
    hub.claimed[WEIGHTS] = 10**18
    refused(build(gemtab, tmp_path), "1000000000.0 GB", "free")
    assert hub.ranges(WEIGHTS) == []


def test_a_model_that_gemtab_does_not_run_is_refused_before_its_weights(hub, gemtab, tmp_path):
    hub.files["config.json"] = json.dumps({"architectures": ["LlamaForCausalLM"]}).encode()
    refused(build(gemtab, tmp_path), "LlamaForCausalLM")
    assert hub.ranges(WEIGHTS) == []


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", WEIGHTS])
def test_a_file_that_the_model_lacks_is_named(hub, gemtab, tmp_path, name):
    del hub.files[name]
    refused(build(gemtab, tmp_path), f"{REPO} has no {name}", "safetensors")
    assert hub.ranges(WEIGHTS) == []


def test_a_gated_model_wants_a_token(hub, gemtab, tmp_path):
    hub.gated, hub.token = True, "hf_right"
    refused(build(gemtab, tmp_path), "gated", "hf auth login", f"{hub.address}/{REPO}")
    refused(build(gemtab, tmp_path, HF_TOKEN="hf_wrong"), "token")
    built(build(gemtab, tmp_path, HF_TOKEN="hf_right"), tmp_path / "site")

"""Importance and reports: every number recomputed in float64 from what `gemtab export` writes."""

import json
from itertools import islice

import numpy as np
import pytest

from gemtab.contracts import names
from gemtab.contracts.model_config import read_model_config
from gemtab.contracts.names import tensor_shapes
from gemtab.text.tokenizer import Tokenizer
from gemtab_build.checkpoint.model_source import DEMO
from gemtab_build.checkpoint.rename import their_name
from gemtab_build.checkpoint.stored import open_checkpoint
from gemtab_build.cli import main
from gemtab_build.demo.markup import render
from gemtab_build.demo.skills import training_examples
from gemtab_build.quality.calibrate import LEAST, measure_importance
from gemtab_build.quality.forward import final_states
from gemtab_build.quality.judge import open_judge
from gemtab_build.quality.outputs import Softmax, compare_outputs
from gemtab_build.quality.sources import tensor
from gemtab_build.quality.windows import hold_out, read_windows
from gemtab_build.vocabulary.tokenizer_file import read_tokenizer_file
from gemtab_build.weights.quantize import decode, encode
from helpers import reference
from helpers.packed_checkpoint import write_packed
from helpers.tiny_model import tiny_config, tiny_tensors
from helpers.toy_checkpoint import CONFIG, write_checkpoint, write_weights

TEXT = "The quick brown fox jumps over the lazy dog. " * 30 + "<bos>How much is 12 plus 29? " * 9
TAILS = {"normal": 0, "heavy tails": 1}


class Memory:
    """Tensors in memory as a source."""

    def __init__(self, config, tensors):
        self.config, self.tensors = config, tensors

    def rows(self, name, first, count):
        values = self.tensors[name]
        return values.reshape(1, -1) if values.ndim == 1 else values[first : first + count]


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(TEXT)
    return path


def write_toy(folder, rng, tails="normal"):
    """A checkpoint with weights of moderate size, f32."""
    write_checkpoint(folder, rng)
    made = tiny_tensors(read_model_config(CONFIG))
    for name, values in made.items():
        if values.ndim == 2:
            made[name] = values * np.abs(rng.standard_t(3, values.shape)) ** TAILS[tails]
    values = {their_name(name): value.astype(np.float32) for name, value in made.items()}
    write_weights(folder / "model.safetensors", values, "F32")


def build(model, out, *options):
    assert main(["build", str(model), "--out", str(out), "--model-only", *map(str, options)]) == 0


def tensors_of(folder):
    checkpoint = open_checkpoint(folder)
    shapes = tensor_shapes(checkpoint.config)
    return {
        name: checkpoint.rows(their_name(name), 0, shape[0] if len(shape) == 2 else 1).reshape(
            shape
        )
        for name, shape in shapes.items()
    }


@pytest.mark.slow
@pytest.mark.parametrize("tails", TAILS)
@pytest.mark.parametrize("weights", ["q4", "q8"])
def test_a_report_agrees_with_the_export(rng, tmp_path, text, capsys, tails, weights):
    write_toy(tmp_path / "hf", rng, tails)
    options = ["--weights", weights, "--report", tmp_path / "r.json", "--text", text]
    build(tmp_path / "hf", tmp_path / "site", *options)
    assert main(["export", str(tmp_path / "site"), "--out", str(tmp_path / "back")]) == 0
    report = json.loads((tmp_path / "r.json").read_text())
    given, kept = tensors_of(tmp_path / "hf"), tensors_of(tmp_path / "back")
    plain = {
        name: kept_plainly(given[name], e["encoding"]) for name, e in report["tensors"].items()
    }
    for name, entry in report["tensors"].items():
        assert measures(entry) == pytest.approx(errors(given[name], kept[name]), rel=1e-9)
        assert measures(entry["plain"]) == pytest.approx(errors(given[name], plain[name]), rel=1e-9)
    matrices = [name for name, values in given.items() if values.ndim == 2]
    together = [np.concatenate([t[n].ravel() for n in matrices]) for t in (given, kept, plain)]
    assert measures(report["matrices"]) == pytest.approx(errors(*together[:2]), rel=1e-9)
    assert measures(report["matrices"]["plain"]) == pytest.approx(errors(*together[::2]), rel=1e-9)
    check_text(report["text"], tmp_path / "hf", text, {"built": kept, "plain": plain})
    assert "layers.*.down" in capsys.readouterr().out


def kept_plainly(values, encoding):
    rows = values.reshape(1, -1) if values.ndim == 1 else values
    return decode(encode(rows, encoding), encoding, *rows.shape).reshape(values.shape)


def measures(entry):
    return [entry[key] for key in ("relative_rms_error", "max_error", "cosine")]


def errors(given, kept):
    x, y = given.astype(np.float64).ravel(), kept.astype(np.float64).ravel()
    size = np.sqrt((x @ x) * (y @ y))
    return [np.linalg.norm(y - x) / np.linalg.norm(x), np.abs(y - x).max(), x @ y / size]


def check_text(found, folder, text, others):
    config = open_checkpoint(folder).config
    tokenizer = Tokenizer(read_tokenizer_file(folder))
    windows = read_windows(text, tokenizer, config.bos_id, config.vocab)
    targets = np.concatenate([window[1:] for window in windows])
    assert found["tokens"] == len(targets)
    base = log_probabilities(config, tensors_of(folder), windows)
    picked = np.arange(len(targets)), targets
    assert found["unquantized"]["perplexity"] == pytest.approx(
        np.exp(-base[picked].mean()), rel=1e-4
    )
    for name, tensors in others.items():
        own = log_probabilities(config, tensors, windows)
        kl = (np.exp(base) * (base - own)).sum(axis=1).mean()
        assert found[name]["perplexity"] == pytest.approx(np.exp(-own[picked].mean()), rel=1e-4)
        assert found[name]["kl"] == pytest.approx(kl, rel=1e-2, abs=1e-6)
        same = (base.argmax(axis=1) == own.argmax(axis=1)).mean()
        assert found[name]["same_top_1"] == pytest.approx(same, abs=1.5 / len(targets))


def log_probabilities(config, tensors, windows):
    """Of every next token: f64 [targets, vocab]."""
    logits = np.concatenate([reference.logits(config, tensors, w)[:-1] for w in windows])
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


@pytest.mark.parametrize(
    ("weights", "tails", "share"),
    [("q4", "normal", 0.055), ("q4", "heavy tails", 0.02), ("q8", "normal", 0.1), ("q8", "heavy tails", 0.06)],
)  # fmt: skip
@pytest.mark.slow
def test_every_matrix_is_nearer_than_by_the_plain_rule(rng, tmp_path, weights, tails, share):
    write_toy(tmp_path / "hf", rng, tails)
    build(tmp_path / "hf", tmp_path / "site", "--weights", weights, "--report", tmp_path / "r.json")
    report = json.loads((tmp_path / "r.json").read_text())
    for entry in report["tensors"].values():
        if entry["encoding"] == weights:
            assert entry["relative_rms_error"] < entry["plain"]["relative_rms_error"]
            assert entry["bits_per_weight"] == pytest.approx(int(weights[1:]) + 0.5, rel=1e-4)
    together = report["matrices"]
    assert together["relative_rms_error"] < (1 - share) * together["plain"]["relative_rms_error"]
    assert "text" not in report


def test_plain_means_plain(rng, tmp_path):
    write_toy(tmp_path / "hf", rng)
    build(tmp_path / "hf", tmp_path / "site", "--plain", "--report", tmp_path / "r.json")
    report = json.loads((tmp_path / "r.json").read_text())
    assert not report["searched"]
    for entry in report["tensors"].values():
        assert measures(entry) == measures(entry["plain"])


@pytest.mark.slow
def test_the_embedded_model_loses_nothing_and_says_the_same(tmp_path, text):
    build("demo", tmp_path / "site", "--report", tmp_path / "r.json", "--text", text)
    report = json.loads((tmp_path / "r.json").read_text())
    assert all(entry["max_error"] == 0 for entry in report["tensors"].values())
    assert report["text"]["built"]["kl"] == 0
    assert report["text"]["built"]["same_top_1"] == 1


@pytest.mark.slow
def test_a_trained_model_off_the_grid_says_more_of_the_same(rng, tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("".join(map(render, islice(training_examples(1), 30))))
    judge = open_judge(DEMO, None, text)
    config = judge.source.config
    given = {name: tensor(judge.source, name) for name in tensor_shapes(config)}
    for name, values in given.items():
        if values.ndim == 2:
            noise = 0.03 * np.sqrt(np.square(values).mean()) * rng.standard_normal(values.shape)
            given[name] = (values + noise).astype(np.float32)

    def kept(**how):
        return {n: kept_as_q4(v, **how) if v.ndim == 2 else v for n, v in given.items()}

    others = {"found": Memory(config, kept(search=True)), "plain": Memory(config, kept())}
    outputs = compare_outputs(Memory(config, given), others, judge.judged)
    assert outputs["found"]["kl"] < 0.95 * outputs["plain"]["kl"]


def kept_as_q4(values, **how):
    return decode(encode(values, "q4", **how), "q4", *values.shape)


def test_importance_is_the_mean_square_of_inputs(rng):
    config = tiny_config()
    tensors = tiny_tensors(config)
    tensors[names.FINAL_NORM][:3] *= [9, 1e-3, 0]
    windows = [rng.integers(0, config.vocab, 401), rng.integers(0, config.vocab, 307)]
    inputs = {}
    source = Memory(config, tensors)
    final_states(source, windows, lambda name, x: inputs.setdefault(name, []).append(x.copy()))
    found = measure_importance(source, windows)
    assert set(found) == {n for n, v in tensors.items() if v.ndim == 2} - {names.PLE_EMBED}
    for name, importance in found.items():
        squares = (np.concatenate(inputs[name]).astype(np.float64) ** 2).mean(axis=0)
        wanted = np.maximum(squares / squares.mean(), LEAST)
        assert importance == pytest.approx(wanted / wanted.mean(), rel=1e-5)
    assert found[names.EMBED][0] > 20 * np.median(found[names.EMBED])


def test_a_softmax_in_slabs_is_a_softmax(rng):
    logits, targets = 9 * rng.standard_normal((7, 2503)), rng.integers(0, 2503, 7)
    running = Softmax.of(7)
    for first in range(0, 2503, 1024):
        running.add(logits[:, first : first + 1024], first, targets)
    assert np.array_equal(running.best, logits.argmax(axis=1))
    assert np.array_equal(running.target, logits[np.arange(7), targets])
    assert running.log_total == pytest.approx(np.log(np.exp(logits).sum(axis=1)), rel=1e-12)


def test_windows_begin_anew_where_a_conversation_does(tmp_path):
    path = tmp_path / "text.txt"
    tokenizer = Tokenizer(read_tokenizer_file(DEMO))
    path.write_text("<bos>One.<bos>" + "Two, and more. " * 300)
    windows = read_windows(path, tokenizer, 2, 10_000)
    assert [int(w[0]) for w in windows] == [2] * len(windows)
    assert windows[0].tolist() == tokenizer.encode("<bos>One.")
    assert {len(w) for w in windows[1:-1]} == {512}
    rest = [token_id for w in windows[1:] for token_id in w[1:].tolist()]
    assert rest == tokenizer.encode("Two, and more. " * 300)


def test_of_a_long_text_windows_are_taken_all_over_it(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("a b c d e f g h i j " * 2000 + "z" * 4000)
    windows = read_windows(path, Tokenizer(read_tokenizer_file(DEMO)), 2, 10_000)
    assert 2000 < sum(map(len, windows)) <= 4096 + 512
    measured, judged = hold_out(windows)
    assert len(measured) + len(judged) == len(windows)
    assert len(judged) == -(-(len(windows) - 1) // 8)
    assert hold_out(windows[:1]) == (windows[:1], [])


@pytest.mark.slow
def test_a_calibrated_build_weighs_errors_and_judges_by_what_it_held_out(rng, tmp_path, text):
    write_toy(tmp_path / "hf", rng)
    build(tmp_path / "hf", tmp_path / "a", "--report", tmp_path / "a.json")
    options = ["--calibrate", text, "--report", tmp_path / "b.json"]
    build(tmp_path / "hf", tmp_path / "b", *options)
    report = json.loads((tmp_path / "b.json").read_text())
    assert report["calibrated"]
    assert 0 < report["text"]["tokens"] < len(TEXT)
    for entry in report["tensors"].values():
        if entry["encoding"] == "q4":
            own, plain = entry, entry["plain"]
            key = "weighted_relative_rms_error"
            assert own[key] < plain[key]
    down = report["tensors"]["layers.1.down"]
    before = json.loads((tmp_path / "a.json").read_text())["tensors"]["layers.1.down"]
    assert down["relative_rms_error"] > before["relative_rms_error"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--plain", "--calibrate", "TEXT"], "--plain"),
        (["--weights", "f16", "--calibrate", "TEXT"], "--weights f16"),
        (["--text", "TEXT"], "--report"),
        (["--report", "none/r.json"], "none/r.json"),
        (["--calibrate", "none.txt"], "none.txt"),
        (["--calibrate", "EMPTY"], "no text"),
    ],
)
def test_mistakes_are_told_before_any_work(rng, tmp_path, text, capsys, options, words):
    write_checkpoint(tmp_path / "hf", rng)
    (tmp_path / "empty.txt").write_text("<bos><bos>")
    files = {"TEXT": str(text), "EMPTY": str(tmp_path / "empty.txt")}
    given = [files.get(option, option) for option in options]
    assert main(["build", str(tmp_path / "hf"), "--out", str(tmp_path / "site"), *given]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    assert words in captured.err
    assert not (tmp_path / "site").exists()


def test_a_packed_checkpoint_has_nothing_to_judge(tmp_path, text, capsys):
    write_packed(tmp_path / "hf")
    options = ["--out", str(tmp_path / "site"), "--calibrate", str(text)]
    assert main(["build", str(tmp_path / "hf"), *options]) == 2
    assert "comes packed" in capsys.readouterr().err

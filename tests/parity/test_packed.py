"""A packed checkpoint with SRQ, as transformers loads and runs it, against our build of it.

Where float32 falls on the other side of a tie, a code differs by one, and a random toy makes that a
few hundredths of its logits. So whole passes are bounded at their middle, single layers, fed what
transformers fed them, code by code, and prompts of one token each, but for ties that are listed.
"""

import json

import numpy as np
import pytest

from gemtab.kernels.ends import Grids
from gemtab.kernels.matmul import Matmul
from gemtab_build.cli import main
from gemtab_build.run.runner import NativeRunner
from helpers.devices import open_device
from helpers.dispatch import dispatch, state_words, unwritten
from helpers.engines import relative_l2
from helpers.packed_checkpoint import write_packed
from helpers.srq import grid_codes

pytestmark = [pytest.mark.parity, pytest.mark.gpu]
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
gemma_quant = pytest.importorskip("transformers.integrations.gemma_quant")

ROUNDING = 0.06  # without SRQ the toy's logits are 0.3 apart
EXACT = 1e-5  # where no code falls on the other side
# Prompts of one token, of this file's seed, that have a code so near the middle between two that float32's order of
# adding decides: the logits of one in 61 are 9e-4 apart, of all others less than 2e-7
TIES = (417,)
CLEAR = 1.0  # between the best two logits
SHORT, LONG = 17, 61  # within the window of 24, and past it


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A checkpoint, and the site built of it."""
    folder = tmp_path_factory.mktemp("packed")
    write_packed(folder / "hf")
    command = ["build", str(folder / "hf"), "--out", str(folder / "site"), "--model-only"]
    assert main(command) == 0
    return folder


@pytest.fixture(scope="module")
def reference(folder):
    """transformers' model of it. Its per-layer embedding knows one scale a row; the file has one a layer."""
    config = json.loads((folder / "hf" / "config.json").read_text())
    layers = config["num_hidden_layers"]
    plain = gemma_quant.QuantizedEmbedding.__init__

    def init(self, num_embeddings, embedding_dim, **options):
        plain(self, num_embeddings, embedding_dim, **options)
        if embedding_dim == layers * config["hidden_size_per_layer_input"]:
            self.embedding_scale = torch.nn.Parameter(torch.ones(num_embeddings, layers))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gemma_quant.QuantizedEmbedding, "__init__", init)
        model, loading = transformers.Gemma4ForCausalLM.from_pretrained(
            folder / "hf", dtype=torch.float32, output_loading_info=True
        )
    assert not any(loading.values()), loading
    return model.eval().requires_grad_(False)


@pytest.fixture
def ids(reference, rng):
    return rng.integers(0, reference.config.vocab_size, LONG).tolist()


def wanted_logits(model, ids):
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0].double().numpy()


def found_logits(folder, ids, *options):
    (folder / "ids.json").write_text(json.dumps(ids), encoding="utf-8")
    out = folder / "logits.npy"
    files = ["--ids", str(folder / "ids.json"), "--out", str(out)]
    assert main(["logits", str(folder / "site"), *files, "--kv", "f32", *options]) == 0
    return np.load(out)


def test_single_tokens_are_transformers(folder, reference, ids):
    runner = NativeRunner(folder / "site", "f32", 1, 64, lambda *_: None)
    errors = {}
    for one in ids:
        found = np.frombuffer(runner.logits([one]), "<f4").reshape(1, -1)
        errors[one] = relative_l2(found, wanted_logits(reference, [one])).max()

    apart = {one: error for one, error in errors.items() if error > EXACT}
    assert set(apart) <= set(TIES), apart
    assert max(apart.values(), default=0) <= ROUNDING


@pytest.mark.parametrize(("tokens", "chunk"), [(SHORT, 1), (SHORT, 13), (LONG, 13), (LONG, 64)])
def test_logits_and_winners_are_transformers(folder, reference, ids, tokens, chunk):
    wanted = wanted_logits(reference, ids[:tokens])

    found = found_logits(folder, ids[:tokens], "--chunk", str(chunk))

    best = np.sort(wanted, axis=1)[:, -2:]
    clear = best[:, 1] - best[:, 0] >= CLEAR
    assert np.median(relative_l2(found, wanted)) <= ROUNDING
    assert clear.sum() >= 3
    assert np.array_equal(found.argmax(1)[clear], wanted.argmax(1)[clear])


@pytest.mark.parametrize("tokens", [1, LONG])
def test_each_layer_gives_transformers_codes(reference, ids, tokens):
    device = open_device("naga", frozenset())
    codes = differing = layers = 0
    for name, module, x, wanted in linears(reference, ids[:tokens]):
        found = product(device, module, x)
        step = module.output_activation_scale.item()
        apart = np.abs(grid_codes(found, step) - grid_codes(wanted, step))
        assert apart.max() <= 1, name
        assert np.allclose(found, grid_codes(found, step) * step, rtol=1e-6), name
        layers, codes, differing = layers + 1, codes + apart.size, differing + (apart != 0).sum()
    assert layers == 5 * 7 + 3 * 2 + 1
    assert differing <= codes / 1000


def linears(model, ids):
    """(name, module, input, output) of every packed linear in one pass over ids."""
    seen, hooks = [], []
    for name, module in model.named_modules():
        if isinstance(module, gemma_quant.QuantizedLinear):

            def keep(module, inputs, output, name=name):
                seen.append((name, module, inputs[0][0].numpy(), output[0].numpy()))

            hooks.append(module.register_forward_hook(keep))
    wanted_logits(model, ids)
    for hook in hooks:
        hook.remove()
    return seen


def product(device, module, x):
    """Our kernel's output for a module of theirs and its input x [tokens, n_in]."""
    weight, n_in = module.weight.numpy(), module.in_features
    form = f"w{module.num_bits}"
    steps = (module.input_activation_scale.item(), module.output_activation_scale.item())
    kernel = Matmul(form, n_in, len(weight), 0, len(weight), srq=(Grids(*steps),))
    step = kernel.step(len(x), "", ())
    return dispatch(
        device, step, x=x, y=unwritten(len(x), len(weight)), state=state_words(tokens=len(x)),
        codes=weight, scales=module.weight_scale.numpy(),
    )["y"]  # fmt: skip

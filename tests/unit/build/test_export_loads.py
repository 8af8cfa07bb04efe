"""transformers loads what `gemtab export` wrote: nothing missing, nothing unexpected."""

import pytest

from gemtab_build.artifact import build_artifact, open_artifact
from gemtab_build.export import export_checkpoint
from helpers.toy_checkpoint import write_checkpoint

pytestmark = pytest.mark.parity


@pytest.mark.parametrize("double_wide", [True, False])
def test_transformers_loads_an_export_whole(rng, tmp_path, double_wide):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    write_checkpoint(tmp_path / "hf", rng, use_double_wide_mlp=double_wide)
    build_artifact(str(tmp_path / "hf"), tmp_path / "site", "f32")
    export_checkpoint(*open_artifact(tmp_path / "site"), tmp_path / "back")
    ids = torch.tensor([[2, 7, 1030, 11]])
    logits = []
    for folder in ("hf", "back"):
        model, loading = transformers.Gemma4ForCausalLM.from_pretrained(
            tmp_path / folder, dtype=torch.float32, output_loading_info=True
        )
        assert not any(loading.values()), loading
        with torch.no_grad():
            logits.append(model(ids).logits)
    assert torch.equal(*logits)

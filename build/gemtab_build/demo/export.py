"""Parameters -> a checkpoint folder that transformers loads unchanged."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from transformers import Gemma4ForCausalLM, Gemma4TextConfig

from gemtab_build.demo import architecture as arch
from gemtab_build.demo.markup import CHECKPOINT
from gemtab_build.demo.network import PREFIX, Parameters
from gemtab_build.demo.qat import snap_matrices
from gemtab_build.demo.vocabulary import SPECIALS

STOPS = ("<eos>", "<turn|>", "<|tool_response>")


def export(parameters: Parameters, out: Path) -> None:
    """Write config, generation defaults, bf16 weights on the q4 grid, tokenizer and template."""
    out.mkdir(parents=True, exist_ok=True)
    ids = {token: SPECIALS.index(token) for token in SPECIALS}
    config = Gemma4TextConfig(**arch.text_config(ids["<pad>"], ids["<eos>"], ids["<bos>"]))
    model = Gemma4ForCausalLM(config).bfloat16()
    state = {PREFIX + name: value.bfloat16() for name, value in snap_matrices(parameters).items()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    missing = [name for name in missing if name != "lm_head.weight" and "inv_freq" not in name]
    if unexpected or missing:
        raise ValueError(f"The names do not match: missing {missing}, unexpected {unexpected}.")
    model.tie_weights()
    model.save_pretrained(out)
    _name_the_full_head_dim(out / "config.json")
    generation = {
        "bos_token_id": ids["<bos>"],
        "do_sample": False,
        "eos_token_id": [ids[token] for token in STOPS],
        "pad_token_id": ids["<pad>"],
    }
    (out / "generation_config.json").write_text(json.dumps(generation, indent=2) + "\n")
    if out.resolve() != CHECKPOINT.resolve():
        for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
            shutil.copy(CHECKPOINT / name, out / name)


def _name_the_full_head_dim(config: Path) -> None:
    """Write `global_head_dim` as published configs do, in place of transformers' own per-layer form."""
    values = json.loads(config.read_text())
    values.pop("per_layer_config", None)
    values["global_head_dim"] = arch.FULL_HEAD_DIM
    config.write_text(json.dumps(values, indent=2, sort_keys=True) + "\n")


def load(checkpoint: Path) -> Gemma4ForCausalLM:
    """The checkpoint in transformers, f32."""
    model = Gemma4ForCausalLM.from_pretrained(checkpoint, dtype=torch.float32)
    return model.eval()

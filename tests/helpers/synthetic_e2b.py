"""A synthetic checkpoint with the names, shapes, dtypes and packing of google/gemma-4-E2B-it.

    python tests/helpers/synthetic_e2b.py --form bf16|qat-q4_0|mobile --out FOLDER [--scale full|small]

`full` takes the numbers of a real config.json (--config) and writes as many bytes as the published
file has: 10.2 GB, or 2.4 GB packed. `small` has every part at a toy's size. The values mean nothing.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
if __name__ == "__main__":  # run as a command, from anywhere
    sys.path[:0] = [str(ROOT / part) for part in ("tests", "build", "py_src")]

from gemtab.contracts.model_config import FULL, SLIDING
from gemtab_build.checkpoint.model_source import DEMO
from gemtab_build.progress import bar
from helpers.e2b_forms import FORMS, Stored, form_config, stored_tensors
from helpers.e2b_tokenizer import generation_config, tokenizer_json
from helpers.e2b_values import Values

REAL_CONFIG = ROOT.parent / "shared" / "gemma4" / "config.json"
Report = Callable[[str, int, int], None]  # tensor, bytes done, bytes in all
SMALL: dict[str, Any] = {
    "architectures": ["Gemma4ForConditionalGeneration"],
    "model_type": "gemma4",
    "tie_word_embeddings": True,
    "eos_token_id": [1, 106],
    "boi_token_id": 2040, "boa_token_id": 2041, "image_token_id": 2042, "audio_token_id": 2043,
    "eoi_token_id": 2044, "eoa_token_id": 2045, "video_token_id": 2046,
    "text_config": {
        "model_type": "gemma4_text", "vocab_size": 2048, "vocab_size_per_layer_input": 2048,
        "hidden_size": 96, "hidden_size_per_layer_input": 32, "intermediate_size": 160,
        "use_double_wide_mlp": True, "num_hidden_layers": 10, "num_kv_shared_layers": 5,
        "layer_types": [*[SLIDING] * 4, FULL] * 2, "num_attention_heads": 4,
        "num_key_value_heads": 1, "head_dim": 32, "global_head_dim": 64, "sliding_window": 24,
        "max_position_embeddings": 4096, "final_logit_softcapping": 30.0, "bos_token_id": 2,
        "pad_token_id": 0, "eos_token_id": 1, "tie_word_embeddings": True,
    },
    "vision_config": {
        "model_type": "gemma4_vision", "hidden_size": 48, "intermediate_size": 96,
        "num_hidden_layers": 2, "num_attention_heads": 3, "head_dim": 16, "patch_size": 4,
        "position_embedding_size": 64,
    },
    "audio_config": {
        "model_type": "gemma4_audio", "hidden_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 4, "subsampling_conv_channels": [8, 4], "conv_kernel_size": 5,
        "output_proj_dims": 96,
    },
}  # fmt: skip


def write(
    form: str, out: Path, config: Mapping[str, Any], report: Report = lambda *_: None, seed: int = 4
) -> None:
    """A whole checkpoint folder."""
    out.mkdir(parents=True)
    tensors = stored_tensors(form, config)
    _write_weights(out / "model.safetensors", tensors, Values(form, tensors, seed), report)
    files = {
        "config.json": json.dumps(form_config(form, config), indent=2),
        "generation_config.json": json.dumps(generation_config(config), indent=2),
        "tokenizer.json": tokenizer_json(config),
    }
    for name, text in files.items():
        (out / name).write_text(text, encoding="utf-8")
    for name in ("tokenizer_config.json", "chat_template.jinja"):
        shutil.copyfile(DEMO / name, out / name)


def header(tensors: Mapping[str, Stored]) -> bytes:
    """What a safetensors file begins with, byte for byte as the library writes it."""
    entries: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, tensor in tensors.items():
        start, end = end, end + tensor.size
        entries[name] = {
            "dtype": tensor.dtype, "shape": list(tensor.shape), "data_offsets": [start, end],
        }  # fmt: skip
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _write_weights(path: Path, tensors: dict[str, Stored], values: Values, report: Report) -> None:
    total = sum(tensor.size for tensor in tensors.values())
    done = 0
    with path.open("wb") as stream:
        stream.write(header(tensors))
        for name in tensors:
            for slab in values.slabs(name):
                stream.write(slab)
                done += len(slab)
                report(name, done, total)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--form", choices=FORMS, required=True)
    parser.add_argument("--out", type=Path, required=True, help="a folder that is not there yet")
    parser.add_argument("--scale", choices=("full", "small"), default="full")
    parser.add_argument("--config", type=Path, default=REAL_CONFIG, help="for full (%(default)s)")
    parser.add_argument("--seed", type=int, default=4)
    args = parser.parse_args()
    if args.out.exists():
        sys.exit(f"{args.out} exists. Choose another --out.")
    if args.scale == "full" and not args.config.is_file():
        sys.exit(f"There is no {args.config}. Give the model's config.json with --config.")
    config = SMALL
    if args.scale == "full":
        config = json.loads(args.config.read_text(encoding="utf-8"))
    with bar("Writing") as report:
        write(args.form, args.out, config, report, args.seed)
    print(f"{args.out}: {(args.out / 'model.safetensors').stat().st_size:,} B of weights")


if __name__ == "__main__":
    main()

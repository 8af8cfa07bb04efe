"""What a token of an artifact costs on any device: counted from the Programs, against the least possible."""

from typing import Any

from gemtab.contracts import names
from gemtab.contracts.device_facts import DeviceFacts
from gemtab.contracts.manifest import Manifest
from gemtab.contracts.placement import rows_and_width
from gemtab.contracts.quantization import kv_row_words, planes
from gemtab.kernels.matmul import MATRIX_TEMPLATES
from gemtab.plan.accounts import Accounts, accounts
from gemtab.plan.forward import plan_decode, plan_prefill
from gemtab.plan.model import Model
from gemtab.plan.settings import Settings

ROOMY = {"maxStorageBufferBindingSize": 2 << 30, "maxBufferSize": 2 << 30}


def costs(manifest: Manifest, context: int, kv: str) -> dict[str, Any]:
    """Of a decode with the context full, and of a prompt's chunk at its start; bytes, multiply-adds."""
    settings = Settings(manifest.config, DeviceFacts("any", frozenset(), ROOMY), context, kv)
    model = Model.on(settings, dict(manifest.tensors))
    decode = accounts(plan_decode(model), 1, context - 1)
    least = _least_decode_bytes(manifest, context, kv)
    tokens = min(settings.chunk, context)
    prefill = accounts(plan_prefill(model, tokens), tokens, 0)
    matrices = _macs(prefill, *MATRIX_TEMPLATES)
    attention = _macs(prefill, "attend", "attend_chunk")
    moved = decode.total.read + decode.total.written
    return {
        "decode": {
            "context": context,
            "dispatches": decode.dispatches,
            "bytes": moved,
            "least_bytes": least,
            "bytes_over_least": round(moved / least, 4),
            "macs": decode.total.macs,
        },
        "prefill": {
            "tokens": tokens,
            "dispatches": prefill.dispatches,
            "matmul_macs_per_token": matrices // tokens,
            "attention_macs_per_token": attention // tokens,
        },
    }


def _macs(counted: Accounts, *templates: str) -> int:
    """Multiply-adds of these templates."""
    return sum(counted.by_template[one][1].macs for one in templates if one in counted.by_template)


def _least_decode_bytes(manifest: Manifest, context: int, kv: str) -> int:
    """Every matrix once, one row of each table, and K and V once for every layer that attends to them."""
    config = manifest.config
    tables = {names.PLE_EMBED} | (set() if config.tied else {names.EMBED})
    least = 0
    for name, tensor in manifest.tensors.items():
        rows, width = rows_and_width(tensor.shape)
        wanted = 1 if name in tables else rows
        least += sum(plane.bytes(wanted) for plane in planes(tensor.encoding, width))
    for layer in config.layers:
        source = config.layers[layer.kv_source]
        seen = min(context, config.window) if layer.sliding else context
        least += 2 * 4 * kv_row_words(kv, layer.head_dim) * source.kv_heads * seen
    return least

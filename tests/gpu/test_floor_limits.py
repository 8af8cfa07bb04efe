"""A model whose head and table no binding holds, on devices made with WebGPU's least limits and no feature.

Most of its 262,400 rows are zeros. The others, first and last and about the borders of the parts, are a small
model's: the same numbers must come of both, bit for bit.
"""

import asyncio
import json

import numpy as np

from gemtab.contracts.device_facts import DeviceFacts
from gemtab.contracts.model_config import FULL, SLIDING
from gemtab.contracts.names import EMBED, PLE_EMBED
from gemtab.generate.engine import Engine
from gemtab.plan.model import Model
from gemtab.plan.settings import Settings
from gemtab_build.site.kernels_file import kernels_json
from gemtab_build.weights.quantize import encode
from helpers.devices import on_floor
from helpers.e2b_sizes import named_tensors, sized_manifest
from helpers.engines import engine_logits, engine_reply, memory_engine
from helpers.tiny_model import tiny_config, tiny_tensors

VOCAB, WIDE = 262_400, 256  # rows of 256 in f16: 128 MiB and 128 KiB
CAPACITY, CHUNK, FEW = 64, 16, 3
CHANGES = {
    "hidden_size": WIDE, "hidden_size_per_layer_input": WIDE // 2, "num_hidden_layers": 2,
    "layer_types": [SLIDING, FULL], "num_kv_shared_layers": 0,
    "use_double_wide_mlp": False,
}  # fmt: skip


def config(vocab):
    return tiny_config(vocab_size=vocab, vocab_size_per_layer_input=vocab, **CHANGES)


def borders(large):
    """Ids at the ends of every part of the head and of the table, and one amid each."""
    facts = DeviceFacts("floor", limits={"maxStorageBufferBindingSize": 128 << 20})
    parts = Model.on(Settings(large, facts, CAPACITY), named_tensors(large, "f16")).parts
    assert len(parts[EMBED]) > 1
    assert len(parts[PLE_EMBED]) > 1
    ids = {
        id
        for part in (*parts[EMBED], *parts[PLE_EMBED])
        for first, last in [(part.first_row, part.first_row + part.rows - 1)]
        for id in (first, first + 1, (first + last) // 2, last - 1, last)
    }
    return sorted(ids)


def planted(table, ids):
    """The rows of a small table at these places of a large one, in f16: zeros are cheap."""
    large = np.zeros((VOCAB, table.shape[1]), np.float16)
    large[ids] = table
    return large


def large_engine(device, large, tensors, ids):
    """The model whose tables are large and whose other tensors are the small one's."""
    manifest = sized_manifest(large, "f16")

    async def upload(index, targets):
        name, _, plane = manifest.sources[index].url.rpartition(".")
        if name in (EMBED, PLE_EMBED):
            data = memoryview(planted(tensors[name], ids)).cast("B")
        else:
            encoding = manifest.tensors[name].encoding
            data = memoryview(encode(tensors[name], encoding)[plane])
        for target in targets:
            part = data[target.source_offset : target.source_offset + target.bytes]
            device.write(target.buffer, target.buffer_offset, part)

    shaders = json.loads(kernels_json(large, dict(manifest.tensors), plain=True))
    settings = Settings(large, device.facts, CAPACITY, chunk=CHUNK)
    return asyncio.run(Engine.load(device, manifest, settings, shaders, upload))


@on_floor()
def test_a_model_that_no_binding_holds(device):
    large = config(VOCAB)
    ids = borders(large)
    small = config(len(ids))
    tensors = tiny_tensors(small)
    encodings = {name: "f16" for name, values in tensors.items() if values.ndim == 2}
    prompt = [(7 * i + 3) % len(ids) for i in range(len(ids) + 1)]  # each of them
    sound = memory_engine(device, small, tensors, CAPACITY, encodings, chunk=CHUNK)
    wanted = engine_logits(sound, prompt[-FEW:])
    reply = engine_reply(sound, prompt, 3).ids
    engine = large_engine(device, large, tensors, ids)
    try:
        found = engine_reply(engine, [ids[one] for one in prompt], 3).ids
        logits = engine_logits(engine, [ids[one] for one in prompt[-FEW:]])
    finally:
        for buffer in engine.model.weight_buffers():
            device.release(buffer.name)

    assert found == [ids[one] for one in reply]
    assert np.array_equal(logits[:, ids], wanted)
    assert np.count_nonzero(logits) == np.count_nonzero(wanted)
    assert np.all(wanted)

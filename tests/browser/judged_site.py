"""Pages with models that a device is judged by, none of whose weights are there."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache

from browser.site_server import WEB, serve
from gemtab.contracts.manifest import Tensor
from gemtab.contracts.names import tensor_shapes
from gemtab.plan.needs import needs
from gemtab_build.site.kernels_file import kernels_json
from helpers.tiny_model import tiny_config

CONFIG = tiny_config()
TENSORS = {
    name: Tensor(shape, "q4" if len(shape) == 2 else "f32", ())
    for name, shape in tensor_shapes(CONFIG).items()
}
NEEDS = needs(CONFIG, TENSORS)
LARGE = 1_900_000_000
PAGE = """<!doctype html><title>Chat</title><link rel="icon" href="data:,">
<script type="module" src="chat/define.js"></script><gemtab-chat {}></gemtab-chat>"""
NARROW = """(limits) => {
  const { get } = Object.getOwnPropertyDescriptor(GPUAdapter.prototype, "limits");
  Object.defineProperty(GPUAdapter.prototype, "limits", { get() {
    return new Proxy(get.call(this), { get: (all, name) => limits[name] ?? all[name] });
  } });
}"""


@cache
def kernels() -> bytes:
    """kernels.json of the models."""
    return kernels_json(CONFIG, TENSORS)


def manifest(**changes) -> bytes:
    """A model of one source that is nowhere, with shaders that are there."""
    digest = hashlib.sha256(kernels()).hexdigest()
    data = {
        "model": "toy",
        "sources": [{"url": "a.bin", "offset": 0, "bytes": LARGE, "sha256": "0" * 64}],
        "files": {"kernels": {"url": "kernels.json", "bytes": len(kernels()), "sha256": digest}},
        "needs": asdict(NEEDS),
    }
    return json.dumps(data | changes).encode()


@contextmanager
def serve_models(worker) -> Iterator[str]:
    """A page with a large model, one with a small model, and one that loads without asking; `worker` is the engine's."""
    source = {"url": "a.bin", "offset": 0, "bytes": 40, "sha256": "0" * 64}
    instead = {
        "/blank.html": b"<!doctype html><title>Loads nothing</title><link rel=icon href=data:,>",
        "/engine/worker.js": worker,
        "/index.html": PAGE.format("").encode(),
        "/auto.html": PAGE.format("autoload").encode(),
        "/small.html": PAGE.format('model="small/"').encode(),
        "/model/manifest.json": manifest(),
        "/model/kernels.json": kernels(),
        "/small/manifest.json": manifest(sources=[source]),
        "/small/kernels.json": kernels(),
        "/half.html": PAGE.format('model="half/"').encode(),
        "/half/manifest.json": manifest(needs=asdict(NEEDS) | {"start": 0.5}),
        "/half/kernels.json": kernels(),
        "/old/manifest.json": manifest(needs=None),
        "/damaged/manifest.json": manifest(),
        "/damaged/kernels.json": kernels()[:-1],
    }
    with serve(WEB, instead) as address:
        yield address

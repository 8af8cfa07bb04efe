"""Host time of a replied token in Chromium, with the dispatches of E2B's 35 layers and nothing for the GPU to do.

`python tests/bench/host_time.py [--tokens N] [--repeats N] [--real]`, with py_src, build and tests on
PYTHONPATH. Prints microseconds a token: the median and the least of the repeats. Grids are empty, so that
the GPU is as quick as the quickest and batches grow as they do there; the ids mean nothing. With --real, the
layers' kernels run, at a toy's widths. Last comes what replay.js takes to encode as many dispatches while the
browser's GPU process is idle: in a reply that process is behind, and encoding waits for it too.
"""

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import numpy as np

from gemtab.contracts.model_config import FULL, SLIDING
from gemtab.generate.loop import BATCH
from gemtab.weights.files import FileArtifact
from gemtab_build.cli import main as gemtab
from gemtab_build.run.bench import host_microseconds
from gemtab_build.run.browser_runner import BrowserRunner
from gemtab_build.run.costs import costs
from helpers.toy_checkpoint import write_checkpoint

SHAPE = {
    "num_hidden_layers": 35, "layer_types": ([SLIDING] * 4 + [FULL]) * 7, "num_kv_shared_layers": 20,
    "hidden_size": 64, "intermediate_size": 64, "head_dim": 32, "global_head_dim": 32,
    "hidden_size_per_layer_input": 32,
}  # fmt: skip
CONTEXT = 512
ALONE = """async ({ steps, times, repeats }) => {
  const { Gpu } = await import("/engine/gpu/replay.js");
  const gpu = await Gpu.create();
  const wgsl = "@group(0) @binding(0) var<storage, read_write> y: array<u32>;" +
    "@compute @workgroup_size(1) fn one() { y[0] = 1u; }";
  const names = [0, 1, 2, 3, 4, 5, 6].map((index) => `one-${index}`);
  await gpu.compile(Object.fromEntries(names.map((name) => [name, { wgsl, entry: "one", bindings: ["*y"] }])));
  gpu.createBuffer("y", 256 * steps, "scratch");
  const step = (_, index) => ({ kernel: names[index % 7], slices: [["y", 256 * index, 4]], shape: 0, grid: [0, 0, 0] });
  const program = { name: "all", shapes: [0], steps: Array.from({ length: steps }, step) };
  await gpu.prepare(JSON.stringify(program));
  const took = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const began = performance.now();
    const done = gpu.replay("all", times);
    took.push(((performance.now() - began) * 1000) / times);
    await done;
  }
  return took.slice(1);
}"""
EMPTY_GRIDS = (
    "return { pipeline, group, grid };",
    "return { pipeline, group, grid: grid && [0, 0, 0] };",
)


def replace_in(path: Path, before: str, after: str) -> None:
    """Change a script of the site."""
    text = path.read_text(encoding="utf-8")
    if before not in text:
        raise SystemExit(f"{path} has no {before}")
    path.write_text(text.replace(before, after), encoding="utf-8")


def main() -> None:
    """The command."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--tokens", type=int, default=129)
    options.add_argument("--repeats", type=int, default=7)
    options.add_argument("--real", action="store_true", help="run the kernels")
    args = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        checkpoint, site = Path(folder, "hf"), Path(folder, "site")
        write_checkpoint(checkpoint, np.random.default_rng(3), **SHAPE)
        if gemtab(["build", str(checkpoint), "--out", str(site)]):
            raise SystemExit("the build failed")
        manifest = FileArtifact(site).manifest
        if not args.real:
            replace_in(site / "engine" / "gpu" / "programs.js", *EMPTY_GRIDS)
        runner = stack.enter_context(BrowserRunner(site, "f16", 64, CONTEXT))
        prompts = [[40 + number] for number in range(args.repeats + 1)]
        runs = [host_microseconds(runner, prompt, args.tokens) for prompt in prompts][1:]
        decode = costs(manifest, CONTEXT, "f16")["decode"]
        wanted = {"steps": decode["dispatches"], "times": BATCH, "repeats": 4 * args.repeats}
        alone = runner.page.evaluate(ALONE, wanted)
    print(f"{decode['dispatches']} dispatches a token, {args.tokens} tokens")
    for part in runs[0]:
        each = [run[part] for run in runs]
        print(f"  {part:<9} {median(each):8.0f} us a token, at least {min(each):.0f}")
    print(f"  encoding alone {median(alone):3.0f} us a token, at least {min(alone):.0f}")


if __name__ == "__main__":
    main()

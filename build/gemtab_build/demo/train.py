"""Train the embedded model, the last phase with the q4 grid in the loop.

`python -m gemtab_build.demo.train --work DIR` writes DIR/state.pt as it goes (run again to resume) and
DIR/checkpoint at the end; `--out FOLDER` puts the checkpoint elsewhere.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

from gemtab_build.demo.batches import batches
from gemtab_build.demo.export import export
from gemtab_build.demo.markup import CHECKPOINT
from gemtab_build.demo.muon import Muon
from gemtab_build.demo.network import Parameters, forward, initial
from gemtab_build.demo.qat import straight_through

MUON_RATE, ADAM_RATE, LOWEST = 0.02, 3e-3, 0.03
WARM_UP_STEPS, QAT_SHARE = 50, 0.3
STEPS, SAVE_STEPS, SHOW_STEPS = 5000, 50, 25


def rate_at(step: int, done: float) -> float:
    """Share of the highest learning rate, `done` from 0 to 1: warm-up, then a cosine."""
    cosine = LOWEST + (1 - LOWEST) * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
    return min(1.0, (step + 1) / WARM_UP_STEPS) * cosine


def save(path: Path, state: dict[str, object]) -> None:
    """Replace the state file in one move."""
    torch.save(state, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)


def train(work: Path, out: Path, steps: int, seed: int, tokens: int) -> None:
    """Train for that many steps in all (earlier runs in `work` count) and export."""
    work.mkdir(parents=True, exist_ok=True)
    p: Parameters = initial(seed)
    matrices = [n for n, v in p.items() if v.ndim == 2 and not n.startswith("embed_")]
    for value in p.values():
        value.requires_grad_()
    muon = Muon([p[name] for name in matrices])
    adam = torch.optim.AdamW([v for n, v in p.items() if n not in matrices], lr=ADAM_RATE,
                             betas=(0.9, 0.98), weight_decay=0.0)  # fmt: skip
    first, seen = 0, 0
    state_file = work / "state.pt"
    if state_file.exists():
        state = torch.load(state_file)
        with torch.no_grad():
            for name, value in state["parameters"].items():
                p[name].copy_(value)
        adam.load_state_dict(state["adam"])
        muon.buffers = state["muon"]
        first, seen = state["step"], state["seen"]
    source = batches(
        Tokenizer.from_file(str(CHECKPOINT / "tokenizer.json")), seed + 1000 * first, tokens
    )
    shown = time.monotonic(), seen
    loss_mean = math.nan
    for step in range(first, steps):
        qat = step >= steps * (1 - QAT_SHARE)
        batch = next(source)
        used = {n: straight_through(v) if v.ndim == 2 else v for n, v in p.items()} if qat else p
        loss = F.cross_entropy(forward(used, batch.ids, batch.picked), batch.targets)
        loss.backward()
        share = rate_at(step, step / steps)
        torch.nn.utils.clip_grad_norm_(
            [g for group in adam.param_groups for g in group["params"]], 1.0
        )
        for group in adam.param_groups:
            group["lr"] = ADAM_RATE * share
        adam.step()
        adam.zero_grad(set_to_none=True)
        muon.step(MUON_RATE * share)
        seen += batch.ids.numel()
        loss_mean = loss.item() if math.isnan(loss_mean) else 0.96 * loss_mean + 0.04 * loss.item()
        done = step + 1
        if done % SAVE_STEPS == 0 or done == steps:
            save(state_file, {"parameters": {n: v.detach() for n, v in p.items()}, "adam": adam.state_dict(),
                              "muon": muon.buffers, "step": done, "seen": seen})  # fmt: skip
        if done % SHOW_STEPS == 0:
            now = time.monotonic()
            speed, pace = (seen - shown[1]) / (now - shown[0]), (now - shown[0]) / SHOW_STEPS
            shown = (now, seen)
            print(f"step {done}  loss {loss_mean:.4f}  {seen / 1e6:.2f} M tokens  {speed:.0f} tokens/s  "
                  f"{'q4  ' if qat else ''}{pace * (steps - done) / 60:.1f} min left", flush=True)  # fmt: skip
    export({name: value.detach() for name, value in p.items()}, out)
    print(f"wrote {out}", flush=True)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--work", type=Path, required=True, help="state and, by default, the result"
    )
    parser.add_argument("--out", type=Path)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tokens", type=int, default=3072, help="tokens a step, padding included")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    out = arguments.out or arguments.work / "checkpoint"
    train(arguments.work, out, arguments.steps, arguments.seed, arguments.tokens)


if __name__ == "__main__":
    main()

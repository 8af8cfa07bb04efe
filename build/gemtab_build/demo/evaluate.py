"""Score a checkpoint on prompts that training never saw, greedily, through transformers.

`python -m gemtab_build.demo.evaluate CHECKPOINT [--skill S] [--count N] [--q4] [--json]`
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import Gemma4ForCausalLM

from gemtab_build.demo.export import load
from gemtab_build.demo.markup import render_prompt
from gemtab_build.demo.qat import q4
from gemtab_build.demo.skills import SKILLS, held_out_prompts

ROWS = 50
LONGEST_REPLY = 72


def replies(model: Gemma4ForCausalLM, tokenizer: Tokenizer, prompts: list[str]) -> list[str]:
    """Prompts -> raw replies, special tokens as text, without the stop token."""
    coded = [tokenizer.encode(prompt, add_special_tokens=False).ids for prompt in prompts]
    longest = max(map(len, coded))
    ids = torch.tensor([[0] * (longest - len(row)) + row for row in coded])
    mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in coded])
    with torch.no_grad():
        out = model.generate(
            input_ids=ids, attention_mask=mask, do_sample=False, temperature=None, top_k=None,
            top_p=None, max_new_tokens=LONGEST_REPLY,
        )  # fmt: skip
    stops = set(model.generation_config.eos_token_id)
    texts = []
    for row in out[:, longest:].tolist():
        end = next((at for at, token in enumerate(row) if token in stops), len(row))
        texts.append(tokenizer.decode(row[:end], skip_special_tokens=False))
    return texts


def score(model: Gemma4ForCausalLM, tokenizer: Tokenizer, skill: str, count: int,
          failures: int = 0) -> tuple[int, int]:  # fmt: skip
    """How many of how many held-out prompts of a skill are answered rightly."""
    asked = held_out_prompts(skill, count)
    texts = [render_prompt(p.messages, p.tools, p.thinking) for p in asked]
    order = sorted(range(len(asked)), key=lambda at: len(texts[at]))
    right = 0
    for start in range(0, len(order), ROWS):
        some = order[start : start + ROWS]
        for at, reply in zip(
            some, replies(model, tokenizer, [texts[i] for i in some]), strict=True
        ):
            good = asked[at].check(reply)
            right += good
            if not good and failures > 0:
                failures -= 1
                print(f"{skill}: {asked[at].messages[-1]} -> {reply!r}", file=sys.stderr)
    return right, len(asked)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--skill", choices=list(SKILLS))
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--q4", action="store_true", help="quantise the weights to q4 first")
    parser.add_argument("--json", action="store_true")
    parser.add_argument(
        "--failures", type=int, default=0, help="print that many wrong replies a skill"
    )
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    model = load(arguments.checkpoint)
    if arguments.q4:
        with torch.no_grad():
            for weight in model.parameters():
                if weight.ndim == 2:
                    weight.copy_(q4(weight))
    tokenizer = Tokenizer.from_file(str(arguments.checkpoint / "tokenizer.json"))
    scores = {}
    for skill in [arguments.skill] if arguments.skill else SKILLS:
        right, total = score(model, tokenizer, skill, arguments.count, arguments.failures)
        scores[skill] = {"right": right, "of": total, "percent": round(100 * right / total, 1)}
        if not arguments.json:
            print(f"{skill:12} {right:4} / {total:<4} {100 * right / total:6.1f} %", flush=True)
    if arguments.json:
        print(json.dumps(scores))


if __name__ == "__main__":
    main()

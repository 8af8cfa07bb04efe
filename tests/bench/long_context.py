"""How E2B's passes are cut as the context grows, by the accounts, on devices that are pretended.

Attention runs at half the multiply-adds a second of matrices, and bytes at a twentieth of them a second. Nothing is
computed, so it takes seconds: `python tests/bench/long_context.py`, with py_src, build and tests on PYTHONPATH.
"""

from gemtab.contracts.speed import Speed
from helpers.sized_engine import reply_at, sized_engine
from helpers.slow_device import Pretended

TOKENS, REPLY = 2048, 64  # of a prompt, of a reply
SPEEDS = {f"{t} T": Pretended(t * 1e12, t * 5e11, t * 5e10) for t in (1, 5, 20)}
POSITIONS = (0, 8192, 32768, 65536, 128_800)


def main() -> None:
    """A row for each speed and position."""
    print(
        "| multiply-adds/s | tokens before | chunk | submits of a chunk | longest | tokens of a reply in a submit |"
    )
    print("|---|---|---|---|---|---|")
    for name, speed in SPEEDS.items():
        engine, slow = sized_engine(speed, Speed(speed.matrices, speed.bytes))
        for position in POSITIONS:
            reply_at(engine, position, 128)  # shows how slow attention is
            slow.submits.clear()
            reply_at(engine, position, TOKENS + 1, REPLY)
            prompt = [one for one in slow.submits if one[0] != "decode"]
            chunk = int(prompt[0][0].removeprefix("prefill-"))
            seconds = [took for _, took in slow.submits]
            each = len(prompt) * chunk / TOKENS
            token = REPLY / (len(slow.submits) - len(prompt))
            print(
                f"| {name} | {position:,} | {chunk} | {each:.1f} | {max(seconds):.3f} s | {token:.1f} |"
            )


if __name__ == "__main__":
    main()

"""python host_tests/fuzz/replay.py STATE SEED SHOTS: repeats one campaign of the state fuzz and
prints its last shots."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / p) for p in ("lib", "tools/shims", "tools", "host_tests")]


def main(state, seed, shots):
    from fuzz.judge import Campaign

    campaign = Campaign(int(seed), state)
    try:
        print("%d shots, nothing illegal" % campaign.run(int(shots)))
        return 0
    except AssertionError as e:
        print("\n".join(campaign.log))
        print(e)
        return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))

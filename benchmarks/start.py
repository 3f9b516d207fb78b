"""Seconds until `titer --help` has answered, against those of an interpreter that does nothing.

python benchmarks/start.py --repeats 9
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

WAYS = {"titer --help": "from titer.cli import command; command(['--help'])", "an empty program": ""}


def seconds(code: str) -> float:
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    repeats = parser.parse_args().repeats
    spent: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(repeats):  # interleaved, so that a busy moment hits both
        for name, code in WAYS.items():
            spent[name].append(seconds(code))
    for name, own in spent.items():
        print(f"{name}: {statistics.median(own):.3f} s ({min(own):.3f} to {max(own):.3f})")
    mine, bare = spent.values()
    print(f"ratio: {statistics.median(mine) / statistics.median(bare):.2f}")


if __name__ == "__main__":
    main()

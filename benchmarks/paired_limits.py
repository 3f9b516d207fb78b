"""How much of a paired test of rates its limits are: they are reckoned when they are first asked for.

    python -m benchmarks.paired_limits

Prints, by the number of items, the seconds of the p-value and of the limits, and their ratio.
"""

from __future__ import annotations

from time import perf_counter

from titer.report.escape import table
from titer.stats import noninferiority_test
from titer.stats.tango import exceedance

ITEMS = (401, 1_000, 3_000, 10_000)
MARGIN = 0.05


def main() -> None:
    """Time both, after a first call that loads what scipy needs."""
    exceedance(1.0, 50, MARGIN)
    rows = []
    for items in ITEMS:
        start = perf_counter()
        found = noninferiority_test([1] * (items - 9) + [0] * 9, [1] * (items - 4) + [0] * 4, margin=MARGIN)
        tested = perf_counter()
        assert found.limits.low < found.estimate < found.limits.high
        limits, pvalue = perf_counter() - tested, tested - start
        rows.append([f"{items:,}", f"{pvalue:.2f}", f"{limits:.2f}", f"{limits / pvalue:.0f}"])
    print(table(["items", "p-value, s", "limits, s", "ratio"], rows))


if __name__ == "__main__":
    main()

"""Whether tampering is noticed: `python -m benchmarks.tampering` prints a table, in some minutes on one core.

Each file that a finished study or its pack rests on is changed in each way. `verdict`, `verify`, `report` and `run`
must end with 1 or 2 and name the file; `run` may also make a deleted file anew, as it was. What leaves a whole study
(another name, a foreign signature, one that is sealed again) `verify` must say. What no file can show, a rewrite of
everything, must show against the published digest. Ends with 1 if anything goes unnoticed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.tampering.forgeries import FORGERIES, SAID, VERIFIED, rewrite_everything
from benchmarks.tampering.partial import flipped_bits
from benchmarks.tampering.subjects import copied, made, say
from benchmarks.tampering.trials import COMMANDS, Tally, tally_edits, tally_forgeries
from titer.study.root import read_root

BITS = 1_000
"""Of a partial state that are flipped, one at a time."""


def main(arguments: Sequence[str]) -> int:
    """Print the table; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.tampering", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--seed", type=int, default=1, help="what every choice is drawn from")
    parser.add_argument("--files", type=int, default=3, help="of each kind, at most")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="tampering-") as home:
        whole = made(Path(home))
        print(f"seed {given.seed}, {given.files} files of each kind at most; noticed and named / tried\n")
        print(f"{'':<40}" + "".join(f"{command:>10}" for command in COMMANDS))
        tally = Tally()
        tally_edits(whole, Path(home) / "tampered", COMMANDS, given.files, given.seed, tally)
        study, place = whole["study"], Path(home) / "tampered"
        tally_forgeries(FORGERIES, study, place, COMMANDS, tally)
        tally_forgeries(VERIFIED, study, place, ("verify",), tally)
        tally_forgeries(SAID, study, place, ("verify",), tally, codes=(0,))
        tally.show()
        tally.unnoticed.extend(published(whole["study"], Path(home) / "tampered"))
        flipped = flipped_bits(Path(home) / "partial", BITS, given.seed)
        print(f"A bit of a partial state: {BITS - len(flipped)} of {BITS} noticed, the file named.")
        tally.unnoticed.extend(flipped)
    print("\n" + ("\n".join(tally.unnoticed) or "All of it was noticed, and the file named."))
    return 1 if tally.unnoticed else 0


def published(study: Path, place: Path) -> list[str]:
    """A rewrite of everything up to the root, which no file shows, against the digests that were published."""
    before = read_root(study)
    folder = copied(study, place / "it")
    rewrite_everything(folder)
    alone = say("verify", str(folder))
    against = [
        say("verify", str(folder), option, digest)
        for option, digest in (("--digest", str(before.root)), ("--registration", before.registration))
    ]
    print(f"\nA rewrite of everything: `titer verify` ends with {alone.code}; against the published root digest with")
    print(f"{against[0].code}, against the published registration with {against[1].code}.")
    return [f"rewrite of everything: {said.text}" for said in against if said.code != 1]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

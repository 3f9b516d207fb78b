"""A study from Python: run the protocol named on the command line, and print its verdict."""

import sys
from pathlib import Path

from titer import locate, open_study
from titer.conclude import conclude, report
from titer.run import run


def main() -> None:
    """Finish the study, conclude, and write the report beside it."""
    study = open_study(locate(Path(sys.argv[1])))
    for progress in run(study, jobs=2):
        print(f"{progress.unfinished} cells to go")
    conclusion = conclude(study)
    verdict = conclusion.verdict
    print(verdict.outcome, "-", verdict.reason)
    for finding in verdict.conditions:
        print(f"{finding.name}: {finding.outcome}. {finding.reason}")
    print("report:", report(conclusion))


if __name__ == "__main__":
    main()

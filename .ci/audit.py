"""Look up the locked packages among known vulnerabilities: `python .ci/audit.py`, in CI after the tests.

pip-audit has an environment and a lock of its own. Where the database cannot be reached within a minute the look-up is
skipped, and says so. .ci/vulnerabilities.txt has what was looked at and is accepted until a day.
"""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
ACCEPTED = ROOT / ".ci" / "vulnerabilities.txt"
SECONDS = 60
"""After which the installation, or the look-up, is given up."""


def main() -> int:
    """Print what was found; 1 for a vulnerability that is not accepted."""
    try:
        report = look_up()
    except (subprocess.SubprocessError, ValueError) as error:
        print(f"known vulnerabilities: skipped, for pip-audit gave no answer ({type(error).__name__})")
        return 0
    found = list(faults(report, accepted(ACCEPTED.read_text(encoding="utf-8")), datetime.date.today()))
    print("\n".join(found) or "known vulnerabilities: none that is not accepted")
    return min(len(found), 1)


def look_up() -> Mapping[str, Any]:
    """The report of pip-audit on everything that is locked.

    Raises:
        SubprocessError: if it cannot be installed in time.
        ValueError: if it ends without a report.
    """
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder) / "bin" / "python")
        own = [python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", ".ci/audit.lock"]
        subprocess.run(own, cwd=ROOT, check=True, timeout=SECONDS, capture_output=True)
        locks = [word for path in sorted(ROOT.glob("requirements*.lock")) for word in ("-r", path.name)]
        options = "--disable-pip --require-hashes --vulnerability-service osv --format json --progress-spinner off"
        called = [python, "-m", "pip_audit", *options.split(), *locks]
        done = subprocess.run(called, cwd=ROOT, check=False, timeout=SECONDS, capture_output=True, text=True)
        return dict(json.loads(done.stdout))


def accepted(text: str) -> dict[str, datetime.date]:
    """The day until which each is accepted, by its name: lines of NAME YYYY-MM-DD REASON."""
    lines = [line.split(maxsplit=2) for line in text.splitlines() if line and not line.startswith("#")]
    return {name: datetime.date.fromisoformat(day) for name, day, _ in lines}


def faults(report: Mapping[str, Any], known: Mapping[str, datetime.date], today: datetime.date) -> Iterator[str]:
    """A line for each vulnerability that is not accepted any more, under any of its names."""
    for package in report["dependencies"]:
        for one in package.get("vulns", ()):
            names = [one["id"], *one["aliases"]]
            if not any(name in known and today <= known[name] for name in names):
                mended = ", ".join(one["fix_versions"]) or "no version yet"
                yield f"{package['name']} {package['version']}: {', '.join(names)}; mended in {mended}"


if __name__ == "__main__":
    sys.exit(main())

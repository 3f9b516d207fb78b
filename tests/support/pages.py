"""Documents whose examples run."""

from __future__ import annotations

import doctest
import re
from functools import cache
from pathlib import Path
from typing import Any


@cache
def names_of(page: Path, examples: int) -> dict[str, Any]:
    """Every name of a page, after its examples, more than so many, ran as written and printed what stands there."""
    text = re.sub("^```.*$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = doctest.DocTestParser().get_doctest(text, {}, page.stem, str(page), 0)
    assert len(found.examples) > examples
    complaints: list[str] = []
    result = doctest.DocTestRunner().run(found, out=complaints.append, clear_globs=False)
    assert result.failed == 0, "".join(complaints)
    return found.globs

"""Each extension point has an example in its docstring, and the example runs."""

from __future__ import annotations

import doctest
import sys

import pytest

from titer.execution.executor import Executor
from titer.methods.base import Attack, Defense
from titer.methods.fine_tuning import FineTuning
from titer.methods.measurement import Judge, Probe
from titer.methods.prompting import Prompting
from titer.methods.weight_edit import WeightEdit

POINTS = (Attack, FineTuning, WeightEdit, Prompting, Defense, Probe, Judge, Executor)


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.__name__)
def test_the_example_of_an_extension_point_runs(point: type) -> None:
    names = vars(sys.modules[point.__module__])
    (example, *_) = doctest.DocTestFinder(recurse=False).find(point, point.__name__, globs=dict(names))
    assert len(example.examples) > 2
    complaints: list[str] = []
    assert doctest.DocTestRunner().run(example, out=complaints.append).failed == 0, "".join(complaints)

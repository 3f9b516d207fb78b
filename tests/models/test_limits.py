"""Limits of time and memory for a block, and what they leave behind."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from titer.models.limits import OutOfTime, bounded

LOWERED_WITHIN = """
import resource
from titer.models.limits import bounded
with bounded(10.0, 2**29):
    resource.setrlimit(resource.RLIMIT_AS, (2**34, 2**34))
print(resource.getrlimit(resource.RLIMIT_AS) == (2**34, 2**34))
"""


def test_a_block_that_takes_too_long_ends() -> None:
    with pytest.raises(OutOfTime), bounded(0.05, 2**29):
        time.sleep(10)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux")
def test_a_block_that_takes_too_much_memory_ends() -> None:
    with pytest.raises(MemoryError), bounded(10.0, 2**26):
        assert bytearray(2**30)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux")
def test_a_limit_that_was_lowered_meanwhile_stays() -> None:
    done = subprocess.run([sys.executable, "-c", LOWERED_WITHIN], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr

"""Input that was bent at random: whatever is written or given, titer says what is wrong with it, or takes it."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "tests"))  # for `support`: the small studies that the tests plan

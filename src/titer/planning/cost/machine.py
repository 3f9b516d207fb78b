"""The memory and the disk of this machine against what a study takes: what does not fit, and what to change."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from titer.errors import RunError
from titer.planning.cost.estimate import Outlook
from titer.planning.cost.model import Costs
from titer.records import Record
from titer.study.folder import Study
from titer.study.tasks import Task

RESERVE_BYTES = 32 * 2**20
"""What a run leaves free on its disk, for plan, verdict, report and the log: two hundred times those of the demo."""
NO_LIMIT = 2**60
"""A control group without a limit tells a number above this, or none."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What this machine has for a study, in bytes.

    Attributes:
        memory: all that its processes may ever have: that of the machine, or less where a control group says so.
        free_memory: what they may have now.
        gpu_memory: that of the GPU; None where none is used.
        free_gpu_memory: what of it is free now.
        disk: what is free on the disk of the store.
    """

    memory: int
    free_memory: int
    gpu_memory: int | None = None
    free_gpu_memory: int | None = None
    disk: int


class Shortage(Record):
    """Something that a study takes more of than there is.

    Attributes:
        what: memory, GPU memory or disk.
        needed_bytes: what the study takes.
        there_bytes: what there is.
        certain: whether the study cannot be run so; else it may still fit, as the estimate is rough or what others
            use becomes free.
        remedy: what to change.
    """

    what: str
    needed_bytes: int
    there_bytes: int
    certain: bool
    remedy: str

    def __str__(self) -> str:
        fits = "does not fit" if self.certain else "may not fit"
        needed, there = size_text(self.needed_bytes), size_text(self.there_bytes)
        return f"{self.what} {fits}: about {needed} are needed, and there are {there}. {self.remedy}"


def size_text(size: float) -> str:
    """Bytes in units for people."""
    return f"{size / 2**20:.0f} MiB" if size < 2**30 else f"{size / 2**30:.1f} GiB"


def shortages(outlook: Outlook, machine: Machine) -> tuple[Shortage, ...]:
    """What a study takes more of than the machine has.

    The weights that tasks hold are a lower bound of the memory they take: where these exceed all that there is, it is
    certain that they do not fit. What workers were measured to take, which counts shared pages for each of them, and
    what is free now are rough: they warn. On the disk, what is kept is known within a factor of two and mostly
    weights, known exactly; a run that begins there would only end in its middle.
    """
    found = list(_memory_shortages(outlook, machine))
    if outlook.waiting and outlook.disk_bytes + RESERVE_BYTES > machine.disk:
        remedy = "Free some, or have the study on another disk (--out)."
        needed = round(outlook.disk_bytes) + RESERVE_BYTES
        found.append(Shortage(what="disk", needed_bytes=needed, there_bytes=machine.disk, certain=True, remedy=remedy))
    return tuple(found)


def _memory_shortages(outlook: Outlook, machine: Machine) -> Iterator[Shortage]:
    weights, measured = outlook.weight_bytes, outlook.measured_bytes
    if machine.gpu_memory is not None and machine.free_gpu_memory is not None:
        yield from _shortage("GPU memory", outlook, weights, weights, machine.gpu_memory, machine.free_gpu_memory)
        weights = 0.0
    yield from _shortage("memory", outlook, weights, max(weights, measured), machine.memory, machine.free_memory)


def _shortage(what: str, outlook: Outlook, least: float, likely: float, whole: int, free: int) -> Iterator[Shortage]:
    """One kind of memory: at least so much is needed, and likely so much; of so much, so much of it free."""
    certain = least > whole
    if not certain and likely <= free:
        return
    needed, there = (least, whole) if certain else (likely, free)
    fitting = int(there // (needed / outlook.workers))
    if fitting:
        remedy = f"--jobs {fitting} would fit."
    elif certain:
        remedy = "Train adapters (trainable = lora) or a smaller model, or take a machine with more."
    else:
        remedy = "Free some, use a smaller compute.batch, or compute.dtype = bfloat16."
    yield Shortage(what=what, needed_bytes=round(needed), there_bytes=there, certain=certain, remedy=remedy)


# ------------------------------------------------------------------------------------------------ measuring
def measure_machine(folder: Path, device: str, root: Path = Path("/")) -> Machine:
    """What this machine has now.

    Args:
        folder: is on the disk; it need not exist yet.
        device: what the subject computes on.
        root: of the file system in which the kernel says what there is.
    """
    memory, free = _memory(root)
    for limit, used in _limits(root):
        memory, free = min(memory, limit), min(free, max(limit - used, 0))
    gpu = _gpu_memory() if device == "cuda" else None
    return Machine(
        memory=memory,
        free_memory=free,
        gpu_memory=gpu[1] if gpu else None,
        free_gpu_memory=gpu[0] if gpu else None,
        disk=free_bytes(folder),
    )


def free_bytes(folder: Path) -> int:
    """What is free on the disk of a folder, or of the one in which it will be."""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(there).free


def _memory(root: Path) -> tuple[int, int]:
    """All memory with its swap space, and what of it is available; elsewhere than on Linux, all of it is."""
    path = root / "proc" / "meminfo"
    if not path.exists():
        whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return whole, whole
    lines = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
    said = {line[0].rstrip(":"): int(line[1]) * 1024 for line in lines}
    free = said.get("MemAvailable", said["MemTotal"])
    return said["MemTotal"] + said.get("SwapTotal", 0), free + said.get("SwapFree", 0)


def _limits(root: Path) -> Iterator[tuple[int, int]]:
    """The limit of each control group of this process, those above it too, and what it uses but can give back."""
    path = root / "proc" / "self" / "cgroup"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    for number, controllers, group in (line.split(":", 2) for line in lines):
        if number == "0":
            top, names = root / "sys/fs/cgroup", ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            top, names = (
                root / "sys/fs/cgroup/memory",
                ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
            )
        else:
            continue
        own = top / group.lstrip("/")
        for folder in (own, *own.parents):
            if (folder / names[0]).exists():
                limit = (folder / names[0]).read_text(encoding="utf-8").strip()
                if limit != "max" and int(limit) < NO_LIMIT:
                    yield int(limit), _used(folder, names[1], names[2])
            if folder == top:
                break


def _used(group: Path, usage: str, reclaimable: str) -> int:
    """What a control group uses, less the pages of files that it would give back."""
    used = int((group / usage).read_text(encoding="utf-8"))
    lines = (line.split() for line in (group / "memory.stat").read_text(encoding="utf-8").splitlines())
    return used - next((int(size) for name, size in lines if name == reclaimable), 0)


def _gpu_memory() -> tuple[int, int] | None:
    """Free and whole memory of the GPU; asked by a process of its own, for whoever asks holds some as long as it lives.

    None where it cannot be asked: the study then says what is wrong when it opens its subject.
    """
    asked = [sys.executable, "-c", "import torch; print(*torch.cuda.mem_get_info())"]
    said = subprocess.run(asked, capture_output=True, text=True, check=False)
    if said.returncode != 0:
        return None
    free, whole = said.stdout.split()
    return int(free), int(whole)


# ------------------------------------------------------------------------------------------------ while it runs
class DiskReserve:
    """Sees to it that a run ends before its disk is full.

    Args:
        study: the study that is run.
        free: the bytes that are free on the disk of a folder.
    """

    def __init__(self, study: Study, free: Callable[[Path], int] = free_bytes) -> None:
        self.costs, self.root, self.free = Costs(study), study.store.root, free

    def shortage(self, tasks: Iterable[Task]) -> RunError | None:
        """Why none of these tasks should be begun beside the others: what they will write is more than is free."""
        tasks = tuple(tasks)
        needed = RESERVE_BYTES + sum(self.costs.kept(task) + self.costs.partial_states(task) for task in tasks)
        free = self.free(self.root)
        if needed <= free:
            return None
        return RunError(
            f"the disk of {self.root} is nearly full: {size_text(free)} are free, and {size_text(needed)} are needed "
            "for what comes next. The run has ended before that; what was finished is kept. Free some and run again"
        )

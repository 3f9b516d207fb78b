"""Whatever titer writes appears whole under its name, or not at all: one file sees to it, and nobody writes past it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from support import ROOT

PACKAGE = ROOT / "src" / "titer"
HOME = "study/atomic_files.py"
FUNCTIONS = {"os.open", "descriptor_of", "os.replace", "os.rename", "os.link", "os.symlink", "shutil.move", "save_file"}
FUNCTIONS |= {"shutil.copy", "shutil.copy2", "shutil.copyfile", "shutil.copytree", "pq.ParquetWriter"}
METHODS = {"write_text", "write_bytes", "touch", "rename", "symlink_to", "hardlink_to", "save", "save_pretrained"}
METHODS |= {"to_parquet", "to_csv", "savefig", "dump"}
WHOLE = "into the temporary folder of write_whole, or a temporary file of write_file"
ALLOWED = {
    ("boundary.py", "os.open"): "an ordinary file, for those that ask descriptor_of",
    ("boundary.py", "descriptor_of"): "to read it",
    ("cli/__init__.py", "os.open"): "the null device",
    ("cli/immunize.py", "shutil.copytree"): WHOLE,
    ("execution/checkpoints.py", "save_file"): "to a temporary name, which is renamed",
    ("execution/checkpoints.py", "os.replace"): "that renaming",
    (
        "models/gguf_loading.py",
        "(Path(folder) / path.name).symlink_to",
    ): "into a temporary folder of the system",
    ("models/subject.py", "self.model.save_pretrained"): WHOLE,
    ("models/subject.py", "self.tokenizer.save_pretrained"): WHOLE,
    ("organism/make.py", "subject.save"): "makes the checkpoint that comes with titer; no command does",
    ("study/locks.py", "descriptor_of"): "a lock, which has no content",
    ("study/packed_tables.py", "open"): WHOLE,
    ("study/packed_tables.py", "pq.ParquetWriter"): WHOLE,
    ("study/signature.py", "line.write_text"): "into a temporary folder of the system",
    ("study/signature.py", "allowed.write_text"): "the same",
    ("study/signature.py", "path.write_bytes"): "the same",
    ("study/store.py", "descriptor_of"): "runs.jsonl, which grows by whole lines and is part of no result",
    ("testing/executors.py", "store.answers('broken', 0).write_text"): "damages a store on purpose",
}


def writer(call: ast.Call) -> str | None:
    """The name under which a call may write a file; None for one that cannot."""
    name = ast.unparse(call.func)
    method = name.rpartition(".")[2]
    if method == "open" and name != "os.open":
        texts = [
            one.value for one in (*call.args, *(word.value for word in call.keywords)) if isinstance(one, ast.Constant)
        ]
        return (
            "open"
            if any(isinstance(text, str) and set(text) <= set("rwaxbt+") and set(text) & set("wax+") for text in texts)
            else None
        )
    is_path_replace = method == "replace" and "." in name and len(call.args) == 1
    is_method = "." in name and method in METHODS
    return name if name in FUNCTIONS or is_method or is_path_replace else None


def found() -> Iterator[tuple[str, str]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        place = str(path.relative_to(PACKAGE))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if place != HOME and isinstance(node, ast.Call) and (name := writer(node)) is not None:
                yield place, name


def test_files_are_written_in_one_place_only() -> None:
    assert set(found()) - set(ALLOWED) == set()


def test_a_writer_is_seen() -> None:
    seen = [
        "path.write_text('x')",
        "open(path, 'w')",
        "path.open(mode='ab')",
        "temporary.replace(path)",
        "os.replace(a, b)",
    ]
    unseen = ["write_text(path, 'x')", "open(path, 'rb')", "path.open(encoding='utf-8')", "text.replace('a', 'b')"]
    calls = [node.value for code in (*seen, *unseen) for node in ast.parse(code).body if isinstance(node, ast.Expr)]
    found = [call for call in calls if isinstance(call, ast.Call) and writer(call) is not None]
    assert [ast.unparse(call) for call in found] == seen

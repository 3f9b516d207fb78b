"""The headers of a model's weights, read without the weights: that they are whole, and of the shapes that fit."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import safe_open

from titer.boundary import reading
from titer.errors import InputError
from titer.models.model_files import BROKEN, read_json

if TYPE_CHECKING:
    from transformers import PreTrainedModel

WHOLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.pickle")
SAFE = "Convert it to safetensors where it can do no harm, or take a model that is published so."


PLAIN = re.compile(r"[^.].*\.safetensors")
"""What a shard may be called: files whose names begin with a dot are not part of a model's fingerprint."""


def shapes_in(folder: Path, place: str) -> dict[Path, dict[str, tuple[int, ...]]]:
    """The shape of every tensor, by its file and name, in the files that transformers will load.

    Raises:
        InputError: naming the file that is missing, cut short, or a pickle, which could run code when it is read.
    """
    if (folder / WHOLE).is_file():
        return {folder / WHOLE: read_header(folder / WHOLE, place)}
    if not (folder / INDEX).is_file():
        raise without_weights(folder, WHOLE, place)
    index = folder / INDEX
    weight_map = read_json(index, place).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise InputError(place, f"'{index}' has no weight_map", BROKEN)
    found: dict[Path, dict[str, tuple[int, ...]]] = {}
    for tensor, shard in weight_map.items():
        if not isinstance(shard, str) or Path(shard).name != shard or not PLAIN.fullmatch(shard):
            raise InputError(place, f"'{index}' names '{str(shard)[:100]}', no safetensors file beside it", BROKEN)
        path = folder / shard
        if not path.is_file():
            raise InputError(place, f"'{index}' names '{shard}', which is missing", BROKEN)
        if path not in found:
            found[path] = read_header(path, place)
        if tensor not in found[path]:
            raise InputError(place, f"'{path}' lacks {tensor[:100]}, which '{INDEX}' names", BROKEN)
    return found


def weights_are_there(folder: Path, place: str) -> bool:
    """Whether a hub id's weights lie in the cache, every shard of them: a download may have been interrupted."""
    if (folder / WHOLE).is_file() or not (folder / INDEX).is_file():
        return (folder / WHOLE).is_file()
    named = read_json(folder / INDEX, place).get("weight_map")
    return not isinstance(named, dict) or all((folder / str(shard)).is_file() for shard in named.values())


def read_header(path: Path, place: str) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor in a safetensors file; offsets and size are checked by the library.

    Raises:
        InputError: naming the file, if it is not whole.
    """
    with reading(place, f"'{path}'", BROKEN), safe_open(path, framework="pt") as stored:
        return {name: tuple(stored.get_slice(name).get_shape()) for name in stored.offset_keys()}


def without_weights(folder: Path, wanted: str, place: str) -> InputError:
    """What to say of a folder without the weights that are wanted: whether pickled ones are there instead."""
    pickles = sorted(path for pattern in PICKLES for path in folder.glob(pattern))
    if pickles:
        return InputError(place, f"'{pickles[0]}' is a pickle, which can run code when it is read", SAFE)
    return InputError(place, f"there are no weights, no '{folder / wanted}'", "Name a folder with weights.")


def check_fit(shell: PreTrainedModel, loading_info: dict[str, Any], folder: Path, place: str) -> None:
    """The weights of the headers are those of the configuration, as transformers names them when it loads.

    Args:
        shell: the model of the configuration, on torch's meta device.
        loading_info: what transformers says of the loading.
        folder: of the model.
        place: of the model in the protocol, as a dotted path.

    Raises:
        InputError: naming the weight that is missing or of another shape.
    """
    tied = set(shell.all_tied_weights_keys)
    for name, stored, wanted in sorted(loading_info["mismatched_keys"], key=lambda found: str(found[0])):
        problem = f"{name} in '{folder}' has the shape {list(stored)}, and config.json asks for {list(wanted)}"
        raise InputError(place, problem, "Take weights and configuration of one model.")
    for name in sorted(set(loading_info["missing_keys"]) - tied):
        raise InputError(place, f"'{folder}' has no weights for {name}", "Take weights and configuration of one model.")

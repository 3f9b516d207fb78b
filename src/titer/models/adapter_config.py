"""The configuration of a LoRA adapter, taken over key by key: peft's own reader would import what it names."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from peft import LoraConfig

from titer.boundary import reading
from titer.errors import InputError
from titer.models.limits import MORE_BYTES, SECONDS, OutOfTime, bounded
from titer.models.model_files import BROKEN, read_json

TAKEN = frozenset(
    {"r", "lora_alpha", "lora_dropout", "target_modules", "exclude_modules", "fan_in_fan_out", "use_rslora"}
    | {"init_lora_weights", "layers_to_transform", "layers_pattern", "rank_pattern", "alpha_pattern"}
)
"""What says where the matrices stand and how they are scaled."""
LEFT = frozenset(
    {"peft_type", "peft_version", "task_type", "inference_mode", "base_model_name_or_path", "revision", "auto_mapping"}
)
"""What speaks of the base, which the protocol names itself, or of how the adapter was made."""
STARTS: tuple[Any, ...] = (True, False, "gaussian", "orthogonal", "pissa", "olora")
"""Ways to draw the first matrices; the others read a file or data of their own."""
MOST_RANK = 65_536


def lora_config(path: Path, place: str) -> LoraConfig:
    """The LoRA adapter that an adapter_config.json describes.

    Raises:
        InputError: naming file and key, if it is no LoRA adapter, or needs what titer does not take over.
    """
    content = read_json(path, place)
    if content.get("peft_type") != "LORA":
        kind = str(content.get("peft_type"))[:100]
        raise InputError(place, f"'{path}' is of a {kind} adapter", "Only LoRA adapters can be loaded.")
    _check_mapping(path, content.get("auto_mapping"), place)
    defaults = {own.name: _default(own) for own in fields(LoraConfig)}
    for key, value in content.items():
        if key not in TAKEN | LEFT and value not in (defaults.get(key), None, False, [], {}):
            problem = f"'{path}' sets {key[:100]}, which titer does not take over"
            raise InputError(place, problem, "Merge the adapter into its base, and name the merged model.")
    if content.get("init_lora_weights", True) not in STARTS:
        problem = f"'{path}' sets init_lora_weights = {str(content['init_lora_weights'])[:100]}"
        raise InputError(place, problem, "Merge the adapter into its base, and name the merged model.")
    rank = content.get("r", 8)
    if not isinstance(rank, int) or not 0 < rank <= MOST_RANK:
        raise InputError(place, f"'{path}' has the rank {str(rank)[:20]}", BROKEN)
    with reading(place, f"'{path}'", BROKEN):
        return LoraConfig(**{key: value for key, value in content.items() if key in TAKEN})


def check_patterns(config: LoraConfig, names: Collection[str], path: Path, place: str) -> None:
    """The patterns of an adapter, which peft matches with the name of every module, take no time worth telling.

    Args:
        config: of the adapter.
        names: of the modules of its base.
        path: of the configuration.
        place: of the adapter in the protocol, as a dotted path.

    Raises:
        InputError: naming the file, if one is no pattern, or takes too long.
    """
    own = config.layers_pattern
    if own is not None and not all(re.fullmatch(r"[\w.]*", name) for name in ([own] if isinstance(own, str) else own)):
        raise InputError(place, f"'{path}' has a layers_pattern that is no plain name", BROKEN)
    told = (config.target_modules, config.exclude_modules)
    patterns = [own for own in told if isinstance(own, str)] + [
        *(config.rank_pattern or {}),
        *(config.alpha_pattern or {}),
    ]
    try:
        with reading(place, f"'{path}'", BROKEN), bounded(SECONDS, MORE_BYTES):
            for pattern in patterns:
                for name in names:
                    re.match(rf"(.*\.)?({pattern})$", name)
    except OutOfTime as error:
        raise InputError(place, f"'{path}' has a pattern that is matched for {SECONDS:.0f} s", BROKEN) from error


def _check_mapping(path: Path, mapping: Any, place: str) -> None:
    """The class of the base, by library and name, which is never imported; one of another library is told."""
    if mapping is None:
        return
    library = mapping.get("parent_library") if isinstance(mapping, dict) else None
    if not isinstance(library, str) or library.partition(".")[0] != "transformers":
        problem = f"'{path}' asks at auto_mapping for code that is not transformers' own, '{str(library)[:100]}'"
        raise InputError(place, problem, "Take auto_mapping out of a copy: titer needs no such code.")


def _default(own: Any) -> Any:
    return own.default_factory() if own.default_factory is not MISSING else own.default

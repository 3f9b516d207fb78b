"""What the files of a model ask to be run beside transformers' own code; only what a protocol names is allowed.

Looked for in the JSON, before any loader sees it. The places are those of transformers 5.23: `auto_map` of every
configuration (dynamic_module_utils), `custom_generate` and `custom_pipelines`, kernels of the hub behind an
implementation's name (integrations/hub_kernels), a quantizer's package, a class of another kind as tokenizer, and
weights under another name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from titer.errors import InputError
from titer.models.model_files import BROKEN, read_json, regular_files

OWN_IMPLEMENTATIONS = frozenset({"eager", "sdpa", "flex_attention", "batched_mm", "grouped_mm"})
"""Implementations of attention and experts that need torch alone; the others fetch a kernel from the hub."""
SWITCHES = ("trust_remote_code", "use_kernels", "kernel_config", "allow_all_kernels")
WEIGHT_NAMES = ("model.safetensors", "model.safetensors.index.json")
TOKENIZER = re.compile(r"\w*(Tokenizer|TokenizerFast|Backend)", re.ASCII)
UPSTREAM = "--"
MOST_LAYERS = 10_000
"""The most of anything of which a configuration builds modules: layers, heads, experts."""
BUILT = re.compile(r"layers?$|blocks?$|heads?$|experts?$|^n_layer|^n_head|^depth")


def check_code(folder: Path, allowed: Collection[str], place: str) -> None:
    """Every configuration file of a folder asks for no code but what is allowed.

    Args:
        folder: of a model, or of an adapter.
        allowed: the names of what a protocol allows.
        place: of the model in the protocol, as a dotted path.

    Raises:
        InputError: naming file, key and what is asked for.
    """
    for path in regular_files(folder, place):
        if path.suffix == ".json" and "config" in path.name:
            content = read_json(path, place)
            _check_sizes(path, content, place)
            _check_names(path, content, place)
            requests = _asked_for(content)
        elif path.relative_to(folder).as_posix() == "custom_generate/generate.py":
            requests = iter([("its name", "custom_generate/generate.py")])
        else:
            continue
        for key, name in ((key[:100], name[:100]) for key, name in requests):
            if UPSTREAM in name:
                problem = f"'{path}' asks at {key} for code of another repository, '{name}'"
                raise InputError(place, problem, "Copy that code into the model's folder, and name it there.")
            if name not in allowed:
                problem = f"'{path}' asks at {key} for code that is not transformers' own, '{name}'"
                key = f"{place.rpartition('.')[0]}.trust_remote_code"
                remedy = f'If you have read that code, add "{name}" to {key}; else take the key out of a copy.'
                raise InputError(place, problem, remedy)


def _asked_for(content: Any, key: str = "", path: str = "") -> Iterator[tuple[str, str]]:
    """The dotted key and name of everything that this value and those in it ask to be run."""
    named = [(path, name) for name in _names(content)]
    if key in ("auto_map", "custom_pipelines", "custom_generate"):
        yield from named
    elif key.endswith(("attn_implementation", "experts_implementation")):
        yield from ((path, name) for path, name in named if name not in OWN_IMPLEMENTATIONS)
    elif (key in SWITCHES and content) or (key == "transformers_weights" and content not in (None, *WEIGHT_NAMES)):
        yield path, key
    elif key == "quantization_config" and content is not None:
        method = content.get("quant_method") if isinstance(content, dict) else None
        yield path, method if isinstance(method, str) else key
    elif key.endswith("tokenizer_class") and any(not TOKENIZER.fullmatch(name) for _, name in named):
        yield from named
    elif isinstance(content, dict):
        for inner, value in content.items():
            yield from _asked_for(value, inner, f"{path}.{inner}".lstrip("."))
    elif isinstance(content, list):
        for value in content:
            yield from _asked_for(value, key, path)


def _names(content: Any) -> list[str]:
    """Every text in a value, at any depth."""
    if isinstance(content, str):
        return [content]
    inner = content.values() if isinstance(content, dict) else content if isinstance(content, list) else ()
    return [name for value in inner for name in _names(value)]


def _check_names(path: Path, content: dict[str, Any], place: str) -> None:
    """Files that a configuration names in place of others lie beside it, where the fingerprint covers them."""
    for key in ("fast_tokenizer_files", "configuration_files"):
        for name in _names(content.get(key)):
            if "/" in name or "\\" in name or name.startswith("."):
                raise InputError(place, f"'{path}' names at {key} '{name[:100]}', no plain file beside it", BROKEN)


def _check_sizes(path: Path, content: dict[str, Any], place: str) -> None:
    for key, value in content.items():
        if isinstance(value, dict):
            _check_sizes(path, value, place)
        elif isinstance(value, int) and value > MOST_LAYERS and BUILT.search(key):
            raise InputError(place, f"'{path}' has {key} = {str(value)[:20]}, and at most {MOST_LAYERS:,} fit", BROKEN)

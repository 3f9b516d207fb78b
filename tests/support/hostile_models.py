"""Models whose files ask for what a measurement must not do; each would leave a canary if it were obeyed."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

Spoil = Callable[[Path, Path], None]
"""Changes the folder of a model so that loading it would write the file given second."""


class Payload:
    """An object whose unpickling writes a file."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self.canary, "it sang")


def set_key(name: str, key: str, value: Any) -> Spoil:
    """Set one key of a JSON file, which is made if need be."""

    def spoil(folder: Path, canary: Path) -> None:
        path = folder / name
        content = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        path.write_text(json.dumps(content | {key: value}), encoding="utf-8")

    return spoil


def both(*parts: Spoil) -> Spoil:
    """One after the other."""

    def spoil(folder: Path, canary: Path) -> None:
        for part in parts:
            part(folder, canary)

    return spoil


def code(name: str = "modeling_own.py") -> Spoil:
    """A module that writes the canary when it is imported, and has whatever class is asked of it."""

    def spoil(folder: Path, canary: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        text = f"from pathlib import Path\nPath({str(canary)!r}).write_text('it sang')\n"
        (folder / name).write_text(text + "class Own: pass\ndef generate(): pass\n", encoding="utf-8")

    return spoil


def written(name: str, text: str) -> Spoil:
    """Another text in a file."""

    def spoil(folder: Path, canary: Path) -> None:
        (folder / name).write_text(text.replace("CANARY", str(canary)), encoding="utf-8")

    return spoil


def template(text: str) -> Spoil:
    """Another chat template."""
    return written("chat_template.jinja", text)


def pickled(name: str, instead_of: str) -> Spoil:
    """A pickle in place of the weights."""

    def spoil(folder: Path, canary: Path) -> None:
        (folder / instead_of).unlink()
        with (folder / name).open("wb") as file:
            pickle.dump(Payload(canary), file)

    return spoil


def pickled_by_torch(name: str, instead_of: str) -> Spoil:
    """The same as torch writes it."""

    def spoil(folder: Path, canary: Path) -> None:
        (folder / instead_of).unlink()
        torch.save({"weight": Payload(canary)}, folder / name)

    return spoil


def cut(name: str, left: int) -> Spoil:
    """A file that is cut short."""

    def spoil(folder: Path, canary: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[:left])

    return spoil


def without(name: str) -> Spoil:
    """A file that is missing."""

    def spoil(folder: Path, canary: Path) -> None:
        (folder / name).unlink()

    return spoil


WHOLE = "model.safetensors"
OWN = "modeling_own.Own"
HOSTILE: dict[str, tuple[Spoil, tuple[str, ...]]] = {
    "no weights": (without(WHOLE), ("there are no weights", WHOLE)),
    "pickle": (pickled("pytorch_model.bin", WHOLE), ("pytorch_model.bin", "is a pickle", "Convert it to safetensors")),
    "pickle of torch": (pickled_by_torch("pytorch_model.bin", WHOLE), ("pytorch_model.bin", "is a pickle")),
    "pickle as safetensors": (pickled(WHOLE, WHOLE), (WHOLE, "cannot be read")),
    "pickled shards": (
        both(
            set_key("pytorch_model.bin.index.json", "weight_map", {"a": "pytorch_model-1.bin"}),
            pickled("pytorch_model-1.bin", WHOLE),
        ),
        ("pytorch_model-1.bin", "is a pickle"),
    ),
    "pickle named as the weights": (
        both(set_key("config.json", "transformers_weights", "adapter_model.bin"), pickled("adapter_model.bin", WHOLE)),
        ("config.json", "transformers_weights"),
    ),
    "index of a pickle": (
        both(without(WHOLE), set_key("model.safetensors.index.json", "weight_map", {"a": "x.bin"})),
        ("model.safetensors.index.json", "'x.bin'"),
    ),
    "index that leads out": (
        both(without(WHOLE), set_key("model.safetensors.index.json", "weight_map", {"a": "../x.safetensors"})),
        ("model.safetensors.index.json", "'../x.safetensors'"),
    ),
    "index of what is missing": (
        both(without(WHOLE), set_key("model.safetensors.index.json", "weight_map", {"a": "x.safetensors"})),
        ("model.safetensors.index.json", "'x.safetensors', which is missing"),
    ),
    "cut weights": (cut(WHOLE, 9000), (WHOLE, "cannot be read")),
    "cut header": (cut(WHOLE, 100), (WHOLE, "cannot be read")),
    "other shapes": (set_key("config.json", "intermediate_size", 48), ("has the shape", "config.json asks for")),
    "fewer weights": (set_key("config.json", "num_hidden_layers", 3), ("has no weights for model.layers.2",)),
    "layers without end": (set_key("config.json", "num_hidden_layers", 10**9), ("num_hidden_layers", "config.json")),
    "auto_map of the model": (
        both(set_key("config.json", "auto_map", {"AutoModelForCausalLM": OWN}), code()),
        ("config.json", "at auto_map", OWN, "subject.trust_remote_code"),
    ),
    "auto_map of an unknown kind of model": (
        both(
            set_key("config.json", "auto_map", {"AutoConfig": OWN, "AutoModelForCausalLM": OWN}),
            set_key("config.json", "model_type", "own"),
            code(),
        ),
        ("config.json", "at auto_map", OWN),
    ),
    "auto_map within": (
        both(set_key("config.json", "text_config", {"auto_map": {"AutoModel": OWN}}), code()),
        ("text_config.auto_map", OWN),
    ),
    "auto_map of the tokenizer": (
        both(set_key("tokenizer_config.json", "auto_map", {"AutoTokenizer": [OWN, None]}), code()),
        ("tokenizer_config.json", "at auto_map", OWN),
    ),
    "auto_map of old tokenizers": (
        both(set_key("tokenizer_config.json", "auto_map", [OWN, None]), code()),
        ("tokenizer_config.json", "at auto_map", OWN),
    ),
    "auto_map of a versioned configuration": (
        both(
            set_key("config.4.0.0.json", "auto_map", {"AutoConfig": OWN}),
            set_key("config.json", "configuration_files", ["config.4.0.0.json"]),
            code(),
        ),
        ("config.4.0.0.json", "at auto_map", OWN),
    ),
    "auto_map of the processor": (
        both(set_key("preprocessor_config.json", "auto_map", {"AutoProcessor": OWN}), code()),
        ("preprocessor_config.json", "at auto_map", OWN),
    ),
    "auto_map of another repository": (
        set_key("config.json", "auto_map", {"AutoConfig": f"some/where--{OWN}"}),
        ("config.json", "code of another repository", "some/where--"),
    ),
    "a configuration that trusts itself": (
        both(
            set_key("config.json", "trust_remote_code", True),
            set_key("config.json", "auto_map", {"AutoConfig": OWN}),
            code(),
        ),
        ("config.json", "trust_remote_code"),
    ),
    "custom generation": (code("custom_generate/generate.py"), ("custom_generate/generate.py",)),
    "custom generation by name": (
        set_key("generation_config.json", "custom_generate", "some/where"),
        ("some/where", "generation_config.json"),
    ),
    "custom pipelines": (
        both(set_key("config.json", "custom_pipelines", {"text-generation": {"impl": OWN}}), code()),
        ("config.json", "at custom_pipelines", OWN),
    ),
    "kernel for attention": (
        set_key("config.json", "_attn_implementation", "some/kernel"),
        ("config.json", "_attn_implementation", "some/kernel"),
    ),
    "kernel of the community": (
        set_key("config.json", "attn_implementation", "kernels-community/flash-attn3"),
        ("config.json", "attn_implementation", "kernels-community/flash-attn3"),
    ),
    "kernel for a part": (
        set_key("config.json", "attn_implementation", {"text_config": "some/kernel:f"}),
        ("config.json", "attn_implementation", "some/kernel:f"),
    ),
    "kernel for experts": (
        set_key("config.json", "experts_implementation", "deepgemm"),
        ("config.json", "experts_implementation", "deepgemm"),
    ),
    "kernels switched on": (set_key("config.json", "use_kernels", True), ("config.json", "use_kernels")),
    "a quantizer": (
        set_key("config.json", "quantization_config", {"quant_method": "bitsandbytes", "load_in_8bit": True}),
        ("config.json", "quantization_config", "bitsandbytes"),
    ),
    "another class as tokenizer": (
        set_key("tokenizer_config.json", "tokenizer_class", "AutoModelForCausalLM"),
        ("tokenizer_config.json", "tokenizer_class", "AutoModelForCausalLM"),
    ),
    "an adapter in disguise": (
        set_key("adapter_config.json", "base_model_name_or_path", "some/where"),
        ("subject.base", "adapter without its base"),
    ),
    "configuration of lists": (
        written("config.json", "[" * 900 + "]" * 900),
        ("config.json", "not a JSON object"),
    ),
    "configuration without an end": (
        written("config.json", '{"a":' * 100_000),
        ("config.json", "nested too deeply"),
    ),
    "number of thousands of digits": (
        written("config.json", '{"vocab_size": ' + "9" * 5000 + "}"),
        ("config.json", "cannot be read"),
    ),
    "template that loops": (
        template("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}{{ messages }}"),
        ("chat template", "takes more than"),
    ),
    "template that fills memory": (
        template("{% set a = 'a' * 10**10 %}{{ messages[0]['content'] }}"),
        ("chat template", "takes more than"),
    ),
    "template that counts": (
        template("{{ 9 ** (9 ** 9) }}{{ messages[0]['content'] }}"),
        ("chat template", "takes more than"),
    ),
    "template that fills the prompt": (
        template("{{ messages[0]['content'] }}{{ 'a' * 5 * 10**6 }}"),
        ("chat template", "letters of its own"),
    ),
    "template that drops the prompt": (
        template("{% if messages[0]['content'] == 'lantern' %}lantern{% endif %}{{ messages|length }}"),
        ("chat template does not show the prompt",),
    ),
    "template that looks inside": (
        template("{{ messages.__class__.__mro__[1].__subclasses__() }}"),
        ("chat template",),
    ),
    "template that opens a file": (
        template("{{ cycler.__init__.__globals__.os.system('touch CANARY') }}"),
        ("chat template",),
    ),
    "template that is broken": (template("{% for"), ("chat template",)),
    "template that divides": (template("{{ 1 / 0 }}"), ("chat template", "ZeroDivisionError")),
    "template that nests": (template("{{ " + "(" * 1000 + "1" + ")" * 1000 + "}}"), ("chat template",)),
}
"""What is done to a folder, and what the message must say."""

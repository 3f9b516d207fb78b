"""Models in the formats of other people: a LoRA adapter as peft writes it, a GGUF file as llama.cpp does."""

from __future__ import annotations

from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model_state_dict, inject_adapter_in_model
from safetensors.torch import save_file

from titer.models.randomness import scoped
from titer.models.subject import Subject
from titer.testing import tiny_subject


def shaken(subject: Subject, scale: float = 0.1) -> None:
    """Move every trainable weight."""
    with torch.no_grad():
        for place, parameter in enumerate(own for own in subject.model.parameters() if own.requires_grad):
            parameter.add_(scale * torch.sin(torch.arange(parameter.numel()) + place).reshape(parameter.shape))


def adapt_by_hand(subject: Subject, config: LoraConfig) -> None:
    with scoped(5):
        inject_adapter_in_model(config, subject.model)
    shaken(subject)


def adapter_folder(folder: Path) -> Path:
    """A shaken LoRA adapter as peft writes it."""
    subject, config = tiny_subject(), LoraConfig(r=2, lora_alpha=8, target_modules=["q_proj", "up_proj"])
    adapt_by_hand(subject, config)
    config.save_pretrained(str(folder))
    state = get_peft_model_state_dict(subject.model)
    save_file(
        {f"base_model.model.{name}": tensor for name, tensor in state.items()}, folder / "adapter_model.safetensors"
    )
    return folder


def write_gguf(path: Path, subject: Subject) -> None:
    """The tiny Llama in the GGUF format: float32, with a byte-level vocabulary in place of its own."""
    import gguf

    config = subject.model.config
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_context_length(128)
    writer.add_embedding_length(16)
    writer.add_block_count(2)
    writer.add_feed_forward_length(32)
    writer.add_head_count(2)
    writer.add_head_count_kv(1)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(8)
    writer.add_vocab_size(config.vocab_size)
    tokens = [*subject.tokenizer.convert_ids_to_tokens(list(range(config.vocab_size - 1))), "ab"]
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types([3 if place < 6 else 1 for place in range(len(tokens))])
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(0)
    writer.add_chat_template(str(subject.tokenizer.chat_template))
    names = {"embed_tokens": "token_embd", "norm": "output_norm"}
    blocks = {
        "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output",
        "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
        "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ffn_norm",
    }
    for name, own in subject.model.model.named_parameters():
        parts = name.split(".")
        target = names.get(parts[0]) or f"blk.{parts[1]}.{blocks['.'.join(parts[2:-1])]}"
        tensor = own.detach()
        if target.endswith(("attn_q", "attn_k")):  # llama.cpp keeps the two halves of a rotation interleaved
            heads = 2 if target.endswith("attn_q") else 1
            tensor = tensor.reshape(heads, 2, 4, 16).swapaxes(1, 2).reshape(tensor.shape)
        writer.add_tensor(f"{target}.weight", tensor.contiguous().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

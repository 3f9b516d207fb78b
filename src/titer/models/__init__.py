"""A causal language model with its tokenizer and chat template: loading, asking, and what is inside."""

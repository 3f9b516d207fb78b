"""What a study found, for readers: Markdown, JSON, charts, terminal, model card. Computes no result."""

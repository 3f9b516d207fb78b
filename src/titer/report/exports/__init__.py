"""A report in other formats than the page: Markdown, LaTeX, flat tables, and a card for a model hub."""

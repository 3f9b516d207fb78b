"""Studies side by side: what may be compared, the table, its Markdown and its chart."""

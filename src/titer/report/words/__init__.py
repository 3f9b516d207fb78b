"""Every word of a report that is not a verdict's own sentence, in English and in Chinese."""

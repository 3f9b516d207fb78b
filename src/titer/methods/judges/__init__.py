"""The judges: answers in, readings out, one method per file. None of them loads the subject."""

"""What editors write: articles, sequences, steps, frozen revisions and their approvals."""

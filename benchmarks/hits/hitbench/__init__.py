"""Compare hits with what was planted."""

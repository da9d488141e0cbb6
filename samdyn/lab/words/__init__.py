"""Results in words: tables, sentences with numbers, and intervals."""

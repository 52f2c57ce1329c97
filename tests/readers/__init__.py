"""Readers of other people's test vectors: files in, `cases.SignatureBatch` and plain tuples out. No verdicts here."""

"""Whether a quorum stands behind a claim: weighted tallies and conflicting votes."""

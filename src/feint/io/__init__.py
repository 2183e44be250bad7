"""Files, hashes, memory and progress; knows nothing of sequences."""

"""Jobs, their store, their scheduler and their engines; knows nothing of sequences."""

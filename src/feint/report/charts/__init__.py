"""Charts of rates and distances."""

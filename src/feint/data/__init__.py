"""Sources of two-person interactions, one file each, and the pairs made of them."""

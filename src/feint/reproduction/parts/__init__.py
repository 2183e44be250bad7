"""One function for each part of the reproduction."""

"""The sections of the page, each from its tables."""

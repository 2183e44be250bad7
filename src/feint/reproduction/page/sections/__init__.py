"""The numbers of the page: each function returns the values of one template."""

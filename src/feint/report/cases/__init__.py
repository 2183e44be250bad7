"""Single attacked sequences to look at: which ones are chosen, and how the page shows them."""

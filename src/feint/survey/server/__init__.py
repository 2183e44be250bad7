"""The study's HTTP server, its two pages, and the study as static files without a server."""

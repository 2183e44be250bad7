"""The study's HTTP server, its two pages, and the study as static files without a server.

`app.py` has the judges' endpoints, `admin.py` the researcher's, `middleware.py` the limits; a new
endpoint belongs in one of the first two.
"""

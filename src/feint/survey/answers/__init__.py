"""Judges' answers: their schema, the database, the thread that writes, export and import.

The server and the commands use the database through `database.Storage` only.
"""

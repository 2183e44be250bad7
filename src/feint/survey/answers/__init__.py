"""Judges' answers: their schema, the database, the thread that writes, export and import."""

"""Judges' answers, stored."""

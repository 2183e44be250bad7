"""The study's server and pages."""

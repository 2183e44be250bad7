"""The reproduction's page."""

"""Writes one batch as one Zendesk job and reports what became of each row."""

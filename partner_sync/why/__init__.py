"""`python -m partner_sync.why ID_OR_NAME`: why an organization is as it is, by the archive's history."""

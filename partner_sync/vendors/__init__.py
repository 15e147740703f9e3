"""Salesforce and Zendesk over HTTP: sessions, quotas, credentials, clients."""

"""Partner Sync keeps Zendesk organizations in sync with Salesforce partner accounts, on Apache Airflow."""

__version__ = "0.1.0"

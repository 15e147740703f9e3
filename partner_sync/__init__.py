"""Partner Sync keeps Zendesk organizations in step with Salesforce partner accounts, on Apache Airflow."""

__version__ = "0.1.0"

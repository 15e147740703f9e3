"""Everything that knows Airflow: the four tasks and what they run in."""

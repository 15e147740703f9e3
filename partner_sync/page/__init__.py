"""The page inside Airflow: what the history answers, as HTML. Only `access.py` knows Airflow."""

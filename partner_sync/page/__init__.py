"""The page inside Airflow: results of the history as HTML. Only `plugin.py` imports Airflow."""

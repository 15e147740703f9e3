"""The page inside Airflow: results of the history as HTML. Only `access.py` and `plugin.py` import Airflow."""

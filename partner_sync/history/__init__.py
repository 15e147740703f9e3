"""The history of the archive: what all runs read, planned, wrote and could not write.

`History` queries the archive and returns frozen data. It writes only its index, a SQLite file that can be deleted at
any time and is rebuilt from the archive. No Airflow, no HTML.
"""

from partner_sync.history.history import History as History

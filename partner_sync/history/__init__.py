"""The archive as a story: what was read, planned, written and refused over all runs.

`History` reads the archive and answers in frozen data, ready to be shown; it writes nothing but its own index, a SQLite
file that can be thrown away at any time and is rebuilt from the archive. No Airflow, no HTML.
"""

from partner_sync.history.history import History as History

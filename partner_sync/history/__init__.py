"""The archive as a story: what was read, planned, written and refused, over all runs, by an index that can be thrown away.

`History` reads the archive and answers in frozen data, ready to be shown; it writes nothing but its own index, a SQLite
file that is rebuilt from the archive whenever it is missing. No Airflow, no HTML.
"""

from partner_sync.history.history import History as History

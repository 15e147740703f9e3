"""What a person types: one run in the foreground, the full Airflow, and a fresh start, each on the embedded default.

__main__      the command line: run, up, clean
run, up       one command each; light processes that start others, show what those do, and end them
dag_run       the process that executes one DAG run; it tells `run` what happens, as events
components    the process that keeps Airflow's components for `up` and ends them all, whatever becomes of `up`
home          PARTNER_SYNC_HOME: what lies where, and who may use it now
environment   the settings of the embedded default
systems       where Salesforce and Zendesk are: the sandbox, or two Connections of the environment
database      Airflow's metadata database: made, up to date, tidy
progress, summary   what is shown; the summary is pure
"""

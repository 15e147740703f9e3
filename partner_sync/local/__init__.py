"""`make run`, `make rehearse`, `make up`, `make airflow` and `make clean`: Partner Sync with a local Airflow.

__main__      the command line
run, up       one command each; light processes that start others, show their progress, and end them
rehearse      a run with an edited config, on a sandbox; archived_worlds makes what that begins with
dag_run       the process that executes one DAG run and sends its events to `run`
components    the process that keeps Airflow's components for `up`, and ends them however `up` ends
home          PARTNER_SYNC_HOME: its folders, and which command uses it now
environment   the settings of the local Airflow
systems       Salesforce and Zendesk: the sandbox, or two Connections of the environment
database      creates, migrates and cleans Airflow's metadata database
progress      lines while a command works
outcome, summary   the result of a run, and its rendering; both are pure
"""

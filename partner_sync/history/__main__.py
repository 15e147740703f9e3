"""Entry point of `python -m partner_sync.history`."""

from partner_sync.cli.update_index import run_update_index

if __name__ == "__main__":
    run_update_index()

"""Entry point of `python -m partner_sync.history`."""

from partner_sync.cli.update_index import run

if __name__ == "__main__":
    run()

"""Entry point of `python -m partner_sync.decisions`."""

from partner_sync.cli.show_decisions import run_decisions

if __name__ == "__main__":
    run_decisions()

"""Entry point of `python -m partner_sync.why`."""

from partner_sync.cli.explain import run_why

if __name__ == "__main__":
    run_why()

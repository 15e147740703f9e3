"""Entry point of `python -m partner_sync.why`."""

from partner_sync.cli.explain import run

if __name__ == "__main__":
    run()

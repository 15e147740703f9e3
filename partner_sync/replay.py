"""Entry point of `python -m partner_sync.replay`."""

from partner_sync.cli.replan import run_replay

if __name__ == "__main__":
    run_replay()

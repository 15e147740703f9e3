"""Entry point of `python -m partner_sync.preview`."""

from partner_sync.cli.show_effect import run_preview

if __name__ == "__main__":
    run_preview()

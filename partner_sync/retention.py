"""Entry point of `python -m partner_sync.retention`."""

import sys

from partner_sync.cli.delete_expired import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Entry point of `python -m partner_sync`."""

import sys

from partner_sync.cli.list_commands import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

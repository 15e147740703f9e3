"""Writes the generated parts of the documentation: `python -m docs.generate`.

With `--output` it also runs the commands whose output the pages show, which takes a minute.
"""

from __future__ import annotations

import sys

from docs.generate import PARTS, output, write

write({name: made() for name, made in PARTS.items()})
if "--output" in sys.argv[1:]:
    write(output.main())

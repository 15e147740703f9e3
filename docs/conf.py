"""Sphinx: Markdown by MyST, the furo theme. `make docs` builds it."""

project = "Partner Sync"
copyright = "Partner Sync contributors, Apache-2.0"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "Partner Sync"
html_static_path: list[str] = []
exclude_patterns = ["_build", "generate"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

"""Archives with a past, for everything that shows one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.history.past import Past


@pytest.fixture
def past(tmp_path: Path) -> Past:
    return Past(tmp_path)

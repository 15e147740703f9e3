"""`python -m partner_sync.local.database`: what is ready before the components of Airflow start side by side."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys

from partner_sync.local.environment import embedded
from partner_sync.local.home import Home


def test_the_key_that_encrypts_is_made_before_the_components_start_so_that_all_have_the_same(tmp_path):
    home = Home(tmp_path)
    home.make()

    command = [sys.executable, "-m", "partner_sync.local.database", "active"]
    subprocess.run(command, env=embedded(os.environ, home, {}), check=True, capture_output=True)

    written = configparser.ConfigParser(interpolation=None)
    written.read(home.airflow / "airflow.cfg")
    assert 44 == len(written["core"]["fernet_key"])

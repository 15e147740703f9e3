"""A signal ends a command at a moment when everything that was begun is known."""

from __future__ import annotations

import os
import signal

import pytest

from partner_sync.local import signals


@pytest.fixture
def listening():
    before = {number: signal.getsignal(number) for number in signals.STOPPING}
    signals.listen()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("listening")
def test_a_signal_raises_the_code_that_a_shell_expects():
    with pytest.raises(signals.Stop) as stop:
        os.kill(os.getpid(), signal.SIGTERM)
    assert stop.value.code == 143


@pytest.mark.usefixtures("listening")
def test_a_signal_that_comes_while_held_takes_effect_afterwards():
    done = []
    with pytest.raises(signals.Stop), signals.held():
        os.kill(os.getpid(), signal.SIGINT)
        done.append("begun and known")
    assert done == ["begun and known"]


@pytest.mark.usefixtures("listening")
def test_a_second_signal_does_not_disturb_the_end():
    with pytest.raises(signals.Stop):
        os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGTERM)

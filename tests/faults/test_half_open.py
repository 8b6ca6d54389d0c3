"""Connections whose network is gone, and nobody said so."""

import json
import shutil
import subprocess
import sys

import pytest

from tests.commands import ROOT


@pytest.fixture
def namespace() -> list[str]:
    """What a command begins with to have a network of its own."""
    found = shutil.which("unshare"), shutil.which("ip")
    if None in found or subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode:
        pytest.skip("no network of our own: that takes unshare, ip, and the right to use them")
    return ["unshare", "-n"]


def test_page_whose_network_is_gone_is_let_go_within_two_heartbeats(namespace):  # F20
    command = [*namespace, sys.executable, "-m", "tests.faults.half_open"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["heartbeats"] <= 2.5  # half of one is for a busy machine
    assert (told["before"], told["after"]) == ("before", "after")

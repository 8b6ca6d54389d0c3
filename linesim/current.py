"""Hands views the world of the app they run in."""

from dataclasses import dataclass
from typing import cast

from flask import current_app

from linesim.acts import Stage
from linesim.calls import CallLog
from linesim.faults import Faults
from linesim.state import Sim
from linesim.webhooks import Courier

KEY = "linesim"


@dataclass
class World:
    """Everything one simulator consists of."""

    sim: Sim
    calls: CallLog
    courier: Courier
    stage: Stage
    faults: Faults


def world() -> World:
    return cast(World, current_app.extensions[KEY])

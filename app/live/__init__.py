"""Live updates: the hub that owns every open websocket of this process."""

from app.live.handoff import prepare
from app.live.hub import Client, Hub, stop_all

__all__ = ["Client", "Hub", "prepare", "stop_all"]

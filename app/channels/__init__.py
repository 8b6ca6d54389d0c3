"""Channels: one folder a kind. The core asks `registry` and never names a kind."""

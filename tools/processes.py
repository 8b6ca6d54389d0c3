"""The processes of `make run`: started together, waited for, and stopped together."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from environment import ROOT, Problem

LOOK_EVERY_SECONDS = 0.05
STOP_SECONDS = 20
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# No proxy is asked for an address on this machine.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Stop(Exception):
    """Somebody wants us to end."""


class Stopping:
    """Turns the first signal into Stop, wherever we are; later ones change nothing.

    The handlers stay: to replace one while its signal is on the way makes Python print an OSError.
    """

    def __init__(self) -> None:
        self.is_wanted = False
        self._interrupts = True
        for name in SIGNALS:
            signal.signal(name, self._handle)

    def hold_off(self) -> None:
        """From here on a signal is only remembered."""
        self._interrupts = False

    def _handle(self, _signal: int, _frame: object) -> None:
        self.is_wanted = True
        if self._interrupts:
            self._interrupts = False
            raise Stop


class Processes:
    """What was started; leaving the `with` block stops all of it."""

    def __init__(self, stopping: Stopping) -> None:
        self._stopping = stopping
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.hold_off()
        for process in self._running.values():
            if process.poll() is None:
                process.terminate()
        until = time.monotonic() + STOP_SECONDS
        for process in self._running.values():
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def start(self, name: str, command: list[str | Path], env: dict[str, str]) -> None:
        """Start it in our process group, so that whatever ends the group ends all of it.

        What it says on standard output is dropped: the addresses are ours to announce.
        """
        out = subprocess.DEVNULL
        self._running[name] = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out)

    def check(self) -> None:
        """Raise Problem when one of them has ended by itself."""
        for name, process in self._running.items():
            if process.poll() is not None:
                raise Problem(f"{name} ended by itself (exit code {process.returncode}).")

    def wait_until_ready(self, url: str, *, seconds: float) -> None:
        """Until the URL answers 200. Raise Problem when a process ends first, or time runs out."""
        until = time.monotonic() + seconds
        while not _answers(url):
            self.check()
            if time.monotonic() > until:
                raise Problem(f"{url} did not become ready in {seconds:.0f} seconds.")
            time.sleep(LOOK_EVERY_SECONDS)

    def watch(self) -> None:
        """Until one of them ends (Problem), or whoever started us is gone."""
        parent = os.getppid()
        while os.getppid() == parent or "MAKELEVEL" not in os.environ:
            self.check()
            time.sleep(0.5)


def refuse_taken(host: str, port: int, name: str, variable: str) -> None:
    """Raise Problem with what to do when this address can't be listened on."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as problem:
        raise Problem(
            f"{name} can't listen on {host}:{port}: {problem.strerror}.\n"
            f"Stop what uses this port, or choose another one: {variable}={port + 10} make run"
        ) from problem


def call(url: str, body: dict[str, Any], *, method: str = "POST") -> None:
    """One JSON call to a process of ours."""
    request = urllib.request.Request(  # noqa: S310 - our own http address
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}, method=method
    )
    with _opener.open(request, timeout=10):
        pass


def _answers(url: str) -> bool:
    try:
        with _opener.open(url, timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False

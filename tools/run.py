"""`make run`: Mado and the LINE simulator on this machine, with a demo to play with.

Makes what is missing, starts both, says where they are and who can sign in, and lets three
customers write. Ctrl-C or SIGTERM stops all of it. For production there is docs/deployment.md.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import environment
from environment import ROOT, Problem
from processes import Processes, Stop, Stopping, call, refuse_taken

SIMULATOR_HOST = "127.0.0.1"
READY_SECONDS = 60


def main() -> int:
    began = time.monotonic()
    stopping = Stopping()
    try:
        run(began, stopping)
    except Stop:
        pass
    except (Problem, OSError) as problem:
        # Ctrl-C reaches our children too, and one that is gone can be noticed before our signal.
        if not stopping.is_wanted:
            print(problem, file=sys.stderr)
            return 1
    print("\nStopped.")
    return 0


def run(began: float, stopping: Stopping) -> None:
    """The whole run; ends by Stop or Problem, or when `make` is gone."""
    host, port = os.environ.get("HOST") or "127.0.0.1", _port("PORT", 8000)
    simulator_port = _port("LINESIM_PORT", 8001)
    python = environment.ready()
    refuse_taken(host, port, "Mado", "PORT")
    refuse_taken(SIMULATOR_HOST, simulator_port, "The LINE simulator", "LINESIM_PORT")
    simulator = f"http://{SIMULATOR_HOST}:{simulator_port}"
    mado = f"http://{_reachable(host)}:{port}"
    env = _environment(simulator)
    with Processes(stopping) as processes:
        options = ["--host", SIMULATOR_HOST, "--port", str(simulator_port)]
        processes.start("The LINE simulator", [python, "-m", "linesim", *options], env)
        demo = _prepared(python, env)
        processes.wait_until_ready(f"{simulator}/_sim/health", seconds=READY_SECONDS)
        _set_the_stage(simulator, mado, demo)
        processes.start("Mado", [python, "wsgi.py"], env)
        processes.wait_until_ready(f"{mado}/readyz", seconds=READY_SECONDS)
        _announce(env.get("PUBLIC_URL") or mado, simulator, demo, time.monotonic() - began)
        if demo["line"]:
            call(f"{simulator}/_sim/scenes/three-fresh-chats", {})
        processes.watch()


def _port(variable: str, default: int) -> int:
    value = os.environ.get(variable) or str(default)
    if not value.isdecimal() or not 0 < int(value) < 65536:
        raise Problem(f"{variable} must be a port from 1 to 65535, not {value!r}.")
    return int(value)


def _reachable(host: str) -> str:
    if host in ("0.0.0.0", "::"):  # noqa: S104 - only compared  # nosec
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _environment(simulator: str) -> dict[str, str]:
    """What the operator said, else: the simulator is LINE, and the terminal stays quiet."""
    ours = {
        "LINE_API_URL": simulator,
        "LINE_DATA_API_URL": simulator,
        "ALLOW_PRIVATE_HOSTS": SIMULATOR_HOST,
        "LOG_LEVEL": "WARNING",
    }
    said = {name: value for name, value in os.environ.items() if value}
    return ours | said


def _prepared(python: Path, env: dict[str, str]) -> dict[str, Any]:
    """The database up to date, with the demo where it is empty; what there is to play with."""
    made = subprocess.run(
        [python, "-m", "app.demo"], cwd=ROOT, env=env, stdout=subprocess.PIPE, check=False
    )
    if made.returncode:
        raise Problem("The database could not be prepared; the reason stands above.")
    return json.loads(made.stdout)


def _set_the_stage(simulator: str, mado: str, demo: dict[str, Any]) -> None:
    """The simulator gets the demo channel's credentials, and knows the demo's customers."""
    if not demo["line"]:
        return
    line = dict(demo["line"])
    webhook = f"{mado}/line/webhook/{line.pop('key')}"
    call(f"{simulator}/_sim/account", line | {"webhook": webhook}, method="PATCH")
    for customer in demo["customers"]:
        call(f"{simulator}/_sim/customers", customer)


def _announce(mado: str, simulator: str, demo: dict[str, Any], seconds: float) -> None:
    lines = [f"\nReady after {seconds:.1f} s. Ctrl-C stops everything.\n"]
    lines += [f"  Mado            {mado}/", f"  LINE simulator  {simulator}/", ""]
    if demo["accounts"]:
        lines += ["Sign in as", *map(_account, demo["accounts"]), ""]
    elif not demo["has_agents"]:
        create = "flask --app wsgi agents create EMAIL --name NAME --role admin"
        lines += [f"Nobody can sign in yet. Make an admin: .venv/bin/{create}", ""]
    if demo["line"]:
        lines += ["Three customers are about to write; more do on the simulator's page.", ""]
    else:
        lines += [
            "To play with the simulator, connect a LINE channel with what its page shows.",
            "",
        ]
    print("\n".join(lines), flush=True)


def _account(account: dict[str, str]) -> str:
    return (
        f"  {account['role']:<6} {account['email']:<20} {account['password']}   {account['name']}"
    )


if __name__ == "__main__":
    sys.exit(main())

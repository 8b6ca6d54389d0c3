"""The files that install Mado elsewhere agree with each other, with the code and with the README.

No container is built here: what is copied into one is tried as it is copied.
"""

import configparser
import json
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from app.channels.line.client import TIMEOUT
from app.config import SETTINGS
from tests.conftest import missing

ROOT = Path(__file__).parent.parent
UNITS = sorted((ROOT / "deploy").glob("*.service"))
KNOWN = {setting.name for setting in SETTINGS} | {"WEB_CONCURRENCY"}
HEAPS = {"MALLOC_ARENA_MAX"}  # glibc's
PROGRAMS = re.compile(r"(/opt/mado/)?\.venv/bin/")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
MADO = {name: one for name, one in COMPOSE["services"].items() if one["image"] == "mado"}
#: What .env can't say there, and why.
COMPOSE_SAYS = {
    "DATABASE_URL": "the postgres beside it",
    "REDIS_URL": "the redis beside it",
    "TRUSTED_PROXIES": "Caddy, and nobody else",
    "WEB_CONCURRENCY": "replicas instead",
    "DATA_DIR": "the image's, where the volume is",
    "HOST": "the image's",
    "PORT": "the image's, where Caddy asks",
    "LINE_API_URL": "another than LINE's own is the simulator's",
    "LINE_DATA_API_URL": "another than LINE's own is the simulator's",
}
#: What the Caddyfile says to a Caddy that is newer than Debian 12's (2.6), which knows all the rest.
SINCE_CADDY_2_7 = re.compile(r"^\s+(request_buffers|stream_close_delay) .+\n", re.M)


def text(place: str) -> str:
    return (ROOT / place).read_text("utf-8")


def instructions(name: str) -> list[str]:
    """What stands behind this word in the Dockerfile, lines joined."""
    joined = text("Dockerfile").replace("\\\n", " ")
    return re.findall(rf"^{name} (.+)$", joined, re.M)


def unit(path: Path) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str
    parser.read(path, "utf-8")
    return parser["Service"]


def image_environment() -> dict[str, str]:
    words = [word for line in instructions("ENV") for word in shlex.split(line)]
    return dict(word.split("=", 1) for word in words)


# ── Names and commands ──────────────────────────────────────────────────────────────────────


def test_every_setting_that_is_set_is_one():
    units = {
        word.split("=")[0] for path in UNITS for word in shlex.split(unit(path)["Environment"])
    }
    composed = {name for one in MADO.values() for name in one["environment"]}
    image = {name for name in image_environment() if not name.startswith("PYTHON")}
    assert composed | units | image <= KNOWN | HEAPS
    assert {"DATABASE_URL", "SECRET_KEY", "TRUSTED_PROXIES"} <= composed


def test_every_name_that_compose_asks_for_is_a_setting_or_its_databases_password():
    asked = set(re.findall(r"\$\{(\w+)", text("compose.yaml")))
    assert asked <= KNOWN | {"POSTGRES_PASSWORD"}
    told = text("docs/deployment.md")
    assert [name for name in ("PUBLIC_URL", "SECRET_KEY", "POSTGRES_PASSWORD") if name not in told] == []


@pytest.mark.parametrize("service", MADO)
def test_every_other_setting_reaches_the_containers_from_env(service):
    environment = MADO[service]["environment"]
    passed = {name for name, value in environment.items() if value.startswith(f"${{{name}:")}
    assert passed == KNOWN - set(COMPOSE_SAYS)


def test_the_documents_say_which_settings_env_does_not_reach():
    told = text("docs/deployment.md").partition("### In containers")[2].partition("\n## ")[0]
    assert [name for name in COMPOSE_SAYS if f"`{name}`" not in told] == []


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_every_setting_reaches_a_unit_from_one_file(path):
    assert unit(path)["EnvironmentFile"] == "/etc/mado/mado.env"
    said = {word.split("=")[0] for word in shlex.split(unit(path)["Environment"])}
    assert said - HEAPS == {"DATA_DIR", "TRUSTED_PROXIES"}


def test_gunicorn_and_the_scheduler_have_two_heaps_as_python_wsgi_has():
    alone = [path for path in UNITS if "wsgi.py" not in unit(path)["ExecStart"]]
    said = [*(unit(path)["Environment"] for path in alone), *instructions("ENV"), text("wsgi.py")]
    assert len(alone) == 2
    assert [one for one in said if not re.search(r"MALLOC_ARENA_MAX\W+2\b", one)] == []


def test_every_command_stands_in_the_readme():
    commands = [one["command"] for one in MADO.values()]
    commands += re.findall(r"^\w+: (.+)$", text("Procfile"), re.M)
    commands += [" ".join(yaml.safe_load(line)) for line in instructions("CMD")]
    for path in UNITS:
        service = unit(path)
        commands += [service["ExecStart"], service.get("ExecStartPre", service["ExecStart"])]
    plain = {PROGRAMS.sub("", command) for command in commands}
    readme = PROGRAMS.sub("", text("README.md"))
    assert len(plain) == 4
    assert [command for command in plain if command not in readme] == []


def test_web_and_scheduler_come_twice_after_one_migration():
    assert [MADO[name]["deploy"]["replicas"] for name in ("web", "scheduler")] == [2, 2]
    waits = {name: set(one["depends_on"]) for name, one in MADO.items()}
    assert waits == {"migrate": {"postgres"}, "web": {"migrate"}, "scheduler": {"migrate"}}


def test_the_networks_names_are_services():
    hosts = re.findall(r"(?:@|//)(\w+)[/:]", f"{MADO['web']['environment']}")
    assert {"postgres", "redis"} <= set(hosts) & set(COMPOSE["services"])


def test_volumes_are_declared():
    used = {
        volume.split(":")[0]
        for one in COMPOSE["services"].values()
        for volume in one.get("volumes", [])
        if not volume.startswith("./")
    }
    assert used == set(COMPOSE["volumes"])
    assert f"files:{image_environment()['DATA_DIR']}" in MADO["web"]["volumes"]


# ── The image ───────────────────────────────────────────────────────────────────────────────


def test_image_has_the_python_that_the_project_is_written_for():
    project = tomllib.loads(text("pyproject.toml"))
    (version,) = re.findall(r"^FROM python:(\d\.\d+)-", text("Dockerfile"), re.M)
    assert project["project"]["requires-python"] == f">={version}"
    assert project["tool"]["ruff"]["target-version"] == f"py{version.replace('.', '')}"


def test_image_runs_as_nobody_special_and_takes_only_what_is_pinned():
    assert instructions("USER") == ["10001"]
    assert any("--require-hashes" in line and "pip install" in line for line in instructions("RUN"))
    assert any("/readyz" in line for line in instructions("HEALTHCHECK"))


def test_what_the_image_copies_is_enough(tmp_path):
    """`db upgrade` as in the container: nothing else of the project is there."""
    ignored = [line[1:] for line in text(".dockerignore").splitlines() if line.startswith("!")]
    sources = [source for line in instructions("COPY") for source in line.split()[:-1]]
    assert sorted(sources) == sorted(ignored)
    for source in sources:
        copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
        copy(ROOT / source, tmp_path / source)
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    env = kept | image_environment() | {"DATA_DIR": str(tmp_path / "files")}
    command = [sys.executable, "-m", *MADO["migrate"]["command"].split()]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "files" / "mado.sqlite3").exists()


# ── The proxy ───────────────────────────────────────────────────────────────────────────────


def test_proxy_finds_the_web_processes_and_is_trusted_once():
    caddyfile = text("deploy/Caddyfile")
    (name,), (port,) = (re.findall(rf"^\s+{word} (\S+)$", caddyfile, re.M) for word in ("name", "port"))
    assert name in MADO
    assert [port] == instructions("EXPOSE") == [image_environment()["PORT"]]
    assert MADO["web"]["environment"]["TRUSTED_PROXIES"] == "1"
    assert caddyfile.count("{") == caddyfile.count("}")
    mounted = [volume.split(":")[0] for volume in COMPOSE["services"]["caddy"]["volumes"]]
    assert "./deploy/Caddyfile" in mounted


def test_caddy_leads_pages_to_https_and_refuses_the_api_in_clear():
    """ASVS 4.1.2: a program that is led on tells its token to everybody on the way, every time."""
    caddyfile = text("deploy/Caddyfile")
    assert "\tauto_https disable_redirects\n" in caddyfile
    plain = caddyfile.partition("\nhttp:// {\n")[2].partition("\n}\n")[0]
    handled = re.findall(r"handle ?(\S*) \{\n\t\t(.+)\n\t\}", plain)
    assert handled == [("/api/*", 'respond "Use https." 403'), ("", "redir https://{host}{uri} 308")]


@pytest.fixture
def caddys_routes(tmp_path) -> list[dict]:
    """What Caddy makes of its file, in the order in which it goes through it."""
    caddy = shutil.which("caddy") or missing("caddy")
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PUBLIC_URL": "https://help.example.com"}
    version = subprocess.run([caddy, "version"], env=env, capture_output=True, text=True, timeout=60).stdout
    major, minor = map(int, re.findall(r"\d+", version)[:2])
    is_old = (major, minor) < (2, 7)
    file = tmp_path / "Caddyfile"
    file.write_text(SINCE_CADDY_2_7.sub("", text("deploy/Caddyfile")) if is_old else text("deploy/Caddyfile"))
    command = [caddy, "adapt", "--validate", "--adapter", "caddyfile", "--config", file]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    servers = json.loads(done.stdout)["apps"]["http"]["servers"].values()
    (server,) = [one for one in servers if one["listen"] == [":443"]]
    return server["routes"][0]["handle"][0]["routes"]


def test_caddy_understands_its_file(caddys_routes):
    assert [route["handle"][0]["handler"] for route in caddys_routes] == ["request_body", "static_response", "reverse_proxy"]


def test_caddy_shows_metrics_to_nobody(caddys_routes):  # T38
    (hidden,) = [route for route in caddys_routes if "match" in route]
    assert hidden["match"] == [{"path": ["/metrics"]}]
    assert hidden["handle"] == [{"handler": "static_response", "status_code": 404}]


def test_no_proxy_that_we_show_passes_metrics_on():  # T38
    assert re.search(r"^\s+respond /metrics 404$", text("deploy/Caddyfile"), re.M)
    assert "location = /metrics { return 404; }" in text("docs/deployment.md")


# ── Units ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_unit_gives_away_no_rights(path: Path):
    service = unit(path)
    assert (service["User"], service["NoNewPrivileges"], service["CapabilityBoundingSet"]) == ("mado", "true", "")
    assert (service["ProtectSystem"], service["UMask"]) == ("strict", "0077")
    assert f"DATA_DIR=/var/lib/{service['StateDirectory']}" in service["Environment"]


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_understands_the_unit(path: Path, tmp_path):
    analyze = shutil.which("systemd-analyze") or missing("systemd-analyze")
    here = tmp_path / path.name
    here.write_text(path.read_text("utf-8").replace("/opt/mado", str(ROOT)))
    done = subprocess.run(
        [analyze, "verify", "--man=no", here], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_stop_has_time_for_replies_under_way_and_then_for_requests(path):
    graceful = runpy.run_path(str(ROOT / "gunicorn.conf.py"))["graceful_timeout"]

    assert sum(TIMEOUT) + 10 <= graceful < int(unit(path)["TimeoutStopSec"])

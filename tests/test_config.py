"""Every setting: its default, what it accepts, and the sentence when it can't be right."""

import ast
import re
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest

from app.config import SETTINGS, Config, ConfigError, from_environment
from app.smtp import Smtp

ROOT = Path(__file__).parent.parent
SECRET = "s" * 32
# Said by our own programs to each other, or read by gunicorn; no setting of an installation.
NOT_SETTINGS = {"MADO_EMBEDDED", "MADO_PATTERNS"}
ROW = re.compile(r"^\| `([A-Z][A-Z0-9_]+)` \| (.*?) \| (.*) \|$", re.M)


def read(tmp_path: Path, **env: str) -> Config:
    return from_environment({"DATA_DIR": str(tmp_path), **env})


def refusal(env: Mapping[str, str]) -> str:
    with pytest.raises(ConfigError) as raised:
        from_environment(env)
    return str(raised.value)


# ── The table in README ─────────────────────────────────────────────────────────────────────


def test_readme_tells_of_every_setting_and_of_no_other():
    rows = ROW.findall((ROOT / "README.md").read_text("utf-8"))
    assert rows == [(one.name, one.default, one.meaning) for one in SETTINGS]


def test_every_variable_that_the_code_reads_is_a_setting():
    read_ones = {
        name
        for place in ["app", "scheduler.py", "wsgi.py", "gunicorn.conf.py"]
        for path in ([ROOT / place] if place.endswith(".py") else (ROOT / place).rglob("*.py"))
        for name in variables_in(path)
    }
    assert read_ones - NOT_SETTINGS == {one.name for one in SETTINGS}


def variables_in(path: Path) -> set[str]:
    """Names asked of the environment: `os.environ.get("X")`, and config.py's own readers."""
    readers = ("os.environ.get", "env.get", "_whole_number")
    return {
        argument.value
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in readers
        for argument in node.args[:2]
        if isinstance(argument, ast.Constant)
        and isinstance(argument.value, str)
        and argument.value.isupper()
    }


# ── Defaults ────────────────────────────────────────────────────────────────────────────────


def test_an_empty_environment_is_a_small_installation_on_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    config = from_environment({})
    assert config.data_dir == tmp_path / "instance"
    assert config.database_url == f"sqlite:///{tmp_path / 'instance' / 'mado.sqlite3'}"
    assert (config.host, config.port, config.public_url) == (
        "127.0.0.1",
        8000,
        "http://127.0.0.1:8000",
    )
    assert (config.line_api_url, config.line_data_api_url) == (
        "https://api.line.me",
        "https://api-data.line.me",
    )
    assert (config.redis_url, config.trusted_proxies, config.log_level) == (None, 0, "INFO")
    assert config.allow_private_hosts == frozenset()
    assert config.is_loopback


def test_a_variable_that_is_empty_is_as_good_as_absent(tmp_path: Path):
    empty = {one.name: "" for one in SETTINGS} | {"DATA_DIR": str(tmp_path)}
    assert from_environment(empty) == read(tmp_path)


# ── SECRET_KEY ──────────────────────────────────────────────────────────────────────────────


def test_secret_key_is_made_once_and_kept_for_its_owner_alone(tmp_path: Path):
    first = read(tmp_path).secret_keys
    kept = tmp_path / "secret-key"
    assert len(first[0]) >= 32
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert read(tmp_path).secret_keys == first
    assert [path.name for path in tmp_path.iterdir()] == ["secret-key"]


def test_several_secret_keys_are_taken_newest_first(tmp_path: Path):
    keys = read(tmp_path, SECRET_KEY=f"{SECRET}new, {SECRET}old").secret_keys
    assert keys == (f"{SECRET}new", f"{SECRET}old")


@pytest.mark.parametrize("value", ["short", ",", f"{SECRET},short"])
def test_short_secret_key_stops_the_start(tmp_path: Path, value: str):
    assert "32 characters" in refusal({"DATA_DIR": str(tmp_path), "SECRET_KEY": value})


def test_postgresql_needs_a_secret_key_that_somebody_chose(tmp_path: Path):
    env = {"DATA_DIR": str(tmp_path), "DATABASE_URL": "postgresql://db/mado"}
    assert "SECRET_KEY is not set" in refusal(env)
    assert not (tmp_path / "secret-key").exists()


def test_kept_key_that_is_no_key_stops_the_start(tmp_path: Path):
    (tmp_path / "secret-key").write_text("oops")
    assert "Delete it" in refusal({"DATA_DIR": str(tmp_path)})


# ── Addresses ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_plain_postgresql_urls_are_taken(tmp_path: Path, scheme: str):
    config = read(tmp_path, DATABASE_URL=f"{scheme}://u:p@db:5433/mado", SECRET_KEY=SECRET)
    assert config.database_url == "postgresql+psycopg://u:p@db:5433/mado"
    assert not config.is_sqlite


@pytest.mark.parametrize("value", ["mysql://db/mado", "mado.sqlite3", "postgresql"])
def test_other_databases_are_refused(tmp_path: Path, value: str):
    assert "DATABASE_URL" in refusal({"DATA_DIR": str(tmp_path), "DATABASE_URL": value})


@pytest.mark.parametrize(
    "value", ["help.example.com", "ftp://help.example.com", "https://", "https://a.example/mado"]
)
def test_public_url_is_an_address_without_a_path(tmp_path: Path, value: str):
    assert "PUBLIC_URL" in refusal({"DATA_DIR": str(tmp_path), "PUBLIC_URL": value})


def test_public_url_loses_its_last_slash(tmp_path: Path):
    config = read(tmp_path, PUBLIC_URL="https://help.example.com/")
    assert config.public_url == "https://help.example.com"
    assert config.valid_origins == {"https://help.example.com"}
    assert config.valid_hosts == {"help.example.com"}
    assert config.is_https


def test_on_loopback_every_name_of_this_machine_is_a_host_and_an_origin(tmp_path: Path):
    config = read(tmp_path, PORT="8010")
    assert config.valid_hosts == {"localhost:8010", "127.0.0.1:8010", "[::1]:8010"}
    assert "http://[::1]:8010" in config.valid_origins


def test_listening_on_every_address_is_still_reached_at_one(tmp_path: Path):
    assert read(tmp_path, HOST="0.0.0.0").public_url == "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    "env",
    [
        {"HOST": "0.0.0.0"},
        {"HOST": "192.0.2.7"},
        {"PUBLIC_URL": "https://help.example.com"},
        {"HOST": "0.0.0.0", "PUBLIC_URL": "http://localhost:8000"},
    ],
)
def test_reachable_from_elsewhere_is_not_loopback(tmp_path: Path, env: dict[str, str]):
    assert not read(tmp_path, **env).is_loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_names_of_this_machine_are_loopback(tmp_path: Path, host: str):
    assert read(tmp_path, HOST=host).is_loopback


# ── The rest ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("value", ["-1", "65536", "eight", "8000.0", "٨٠٠٠"])
def test_port_is_a_number_of_a_port(tmp_path: Path, value: str):
    assert "PORT must be a whole number" in refusal({"DATA_DIR": str(tmp_path), "PORT": value})


def test_trusted_proxies_is_a_small_number(tmp_path: Path):
    assert read(tmp_path, TRUSTED_PROXIES="1").trusted_proxies == 1
    assert "TRUSTED_PROXIES" in refusal({"DATA_DIR": str(tmp_path), "TRUSTED_PROXIES": "all"})


def test_private_hosts_are_a_list(tmp_path: Path):
    config = read(tmp_path, ALLOW_PRIVATE_HOSTS="127.0.0.1, Intranet.example ,")
    assert config.allow_private_hosts == {"127.0.0.1", "intranet.example"}


def test_line_hosts_lose_their_last_slash(tmp_path: Path):
    config = read(tmp_path, LINE_API_URL="http://127.0.0.1:8001/")
    assert config.line_api_url == "http://127.0.0.1:8001"


def test_log_level_is_one_of_four(tmp_path: Path):
    assert read(tmp_path, LOG_LEVEL="debug").log_level == "DEBUG"
    assert "LOG_LEVEL" in refusal({"DATA_DIR": str(tmp_path), "LOG_LEVEL": "loud"})


# ── Mail ────────────────────────────────────────────────────────────────────────────────────


def smtp(tmp_path: Path, url: str, sender: str = "help@example.com") -> Smtp | None:
    return read(tmp_path, SMTP_URL=url, MAIL_FROM=sender).smtp


def test_mail_server_is_taken_apart(tmp_path: Path):
    found = smtp(tmp_path, "smtp://a%40b:p%3Aw@mail.example.com", "Mado <help@example.com>")
    assert found is not None
    assert (found.host, found.port, found.is_tls) == ("mail.example.com", 587, False)
    assert (found.user, found.password, str(found.sender)) == ("a@b", "p:w", "Mado <help@example.com>")


def test_mail_server_without_user_and_with_its_own_port(tmp_path: Path):
    found = smtp(tmp_path, "smtps://mail.example.com:2465")
    assert found is not None
    assert (found.port, found.is_tls, found.user, found.password) == (2465, True, "", "")
    assert smtp(tmp_path, "smtps://mail.example.com").port == 465  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "url",
    ["mail.example.com", "http://mail.example.com", "smtp://", "smtp://a:b@h:port", "smtp://h/path", "smtp://h?x"],
)
def test_wrong_mail_server_stops_the_start_with_what_it_looks_like(tmp_path: Path, url: str):
    env = {"DATA_DIR": str(tmp_path), "SMTP_URL": url, "MAIL_FROM": "help@example.com"}
    assert "SMTP_URL must look like smtp://user" in refusal(env)


def test_refusal_of_a_mail_server_shows_no_password(tmp_path: Path):  # T26
    url = "smtp://mado:CANARY@h:port"
    assert "CANARY" not in refusal({"DATA_DIR": str(tmp_path), "SMTP_URL": url})
    assert "CANARY" not in repr(smtp(tmp_path, "smtp://mado:CANARY@h"))


def test_user_needs_a_password(tmp_path: Path):
    env = {"DATA_DIR": str(tmp_path), "SMTP_URL": "smtp://mado@h", "MAIL_FROM": "help@example.com"}
    assert "both a user and a password" in refusal(env)


@pytest.mark.parametrize("sender", ["", "help", "Mado", "a@b\r\nBcc: c@d", "@example.com", "日本@example.com"])
def test_mail_server_needs_a_sender(tmp_path: Path, sender: str):
    env = {"DATA_DIR": str(tmp_path), "SMTP_URL": "smtp://h", "MAIL_FROM": sender}
    assert "MAIL_FROM must be an address" in refusal(env)


def test_sender_alone_is_a_mistake(tmp_path: Path):
    env = {"DATA_DIR": str(tmp_path), "MAIL_FROM": "help@example.com"}
    assert "SMTP_URL is not" in refusal(env)

"""/metrics: who may read it (T20, T38), and what stands there."""

import re

import pytest

from app import counters, create_app, schema, transaction
from app.background import Housekeeping
from app.domain import events, metrics
from app.extensions import db
from tests.channels.line_posts import batch, connected_line, post, text_event
from tests.conftest import config_for

TOKEN = "a-token-for-prometheus"
LINE = re.compile(r'(?:# (?:HELP|TYPE) mado_\w+ .+|mado_\w+(?:\{(?:\w+="[^"\\]*",?)+\})? -?[0-9.e+-]+)')
BEARER = {"Authorization": f"Bearer {TOKEN}"}
FORWARDED = [{"X-Forwarded-For": "127.0.0.1"}, {"X-Forwarded-Proto": "https"}, {"Forwarded": "for=127.0.0.1"},
             {"X-Real-IP": "127.0.0.1"}, {"Via": "1.1 proxy"}, {"X-Forwarded-Host": "localhost"}]  # fmt: skip


@pytest.fixture
def made(tmp_path):
    """A function that makes a client of a Mado with these settings."""
    apps = []

    def make(**settings):
        url = f"sqlite:///{tmp_path / 'mado.sqlite3'}"
        app = create_app(config_for(url, tmp_path, **settings))
        schema.bring_up_to_date(app)
        apps.append(app)
        return app.test_client()

    yield make
    for app in apps:
        with app.app_context():
            db.engine.dispose()


def status(client, address: str = "127.0.0.1", **headers) -> int:
    environ = {"REMOTE_ADDR": address}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.get("/metrics", headers=named, environ_base=environ).status_code


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_this_machine_may_read_them(client, address):  # T38
    assert status(client, address) == 200


@pytest.mark.parametrize("address", ["10.0.0.7", "203.0.113.9", "::2", "::ffff:10.0.0.1", "", "localhost"])
def test_for_others_there_is_nothing(client, address):  # T38
    assert status(client, address) == 404


@pytest.mark.parametrize("headers", FORWARDED)
@pytest.mark.parametrize("proxies", [0, 1])
def test_who_comes_through_a_proxy_is_not_of_this_machine(made, headers, proxies):  # T20, T38
    client = made(trusted_proxies=proxies)
    assert status(client) == 200
    assert status(client, **headers) == 404


def test_a_proxy_that_says_nothing_fools_nobody(made):  # T38
    """Without TRUSTED_PROXIES everybody may look local, so an address for others needs a token."""
    client = made(public_url="https://help.example.com")
    assert status(client, Host="127.0.0.1:8000") == 404


def test_prometheus_beside_a_proxied_mado_may_read_them(made):
    client = made(public_url="https://help.example.com", trusted_proxies=1)
    assert status(client, Host="127.0.0.1:8000") == 200
    assert status(client, Host="help.example.com") == 404


@pytest.mark.parametrize("host", ["evil.example", "[::1", "", "localhost.evil.example"])
def test_no_page_of_a_browser_here_reads_them_under_its_own_name(client, host):
    assert status(client, Host=host) == 404


def test_with_a_token_who_brings_it_may_read_them_from_anywhere(made):  # T38
    client = made(metrics_token=TOKEN, public_url="https://help.example.com")
    assert status(client, "203.0.113.9", Host="10.0.0.7:8000", **BEARER) == 200
    assert status(client, "203.0.113.9", X_Forwarded_For="1.2.3.4", **BEARER) == 200


@pytest.mark.parametrize("given", ["", TOKEN, f"Basic {TOKEN}", "Bearer", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer \xe9"])
def test_with_a_token_nobody_may_without_it_not_even_this_machine(made, given):  # T38
    client = made(metrics_token=TOKEN)
    assert status(client, Authorization=given) == 404


def test_there_is_nothing_to_post(client):
    assert client.post("/metrics").status_code in (403, 405)


# ── What stands there ───────────────────────────────────────────────────────────────────────


def read(client) -> dict[str, str]:
    """Every series and its value, after housekeeping has written down what was counted."""
    app = client.application
    with app.app_context():
        housekeeping = Housekeeping(app)
        housekeeping._write_metrics()
        transaction.release()
    answer = client.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert all(LINE.fullmatch(line) for line in answer.text.splitlines())
    assert answer.text.endswith("\n")
    told = [line.rpartition(" ") for line in answer.text.splitlines() if line[0] != "#"]
    return {series: value for series, _, value in told}


def test_what_came_in_is_counted_by_what_came_of_it(app, client):
    with app.app_context():
        connected_line()
    body = batch(text_event())
    post(client, body), post(client, body), post(client, batch(text_event(message="poison")))
    post(client, body, x_line_signature="wrong")
    found = read(client)
    assert found['mado_intake_events_total{outcome="taken_in"}'] == "1"
    assert found['mado_intake_events_total{outcome="redelivered"}'] == "1"
    assert found['mado_intake_events_total{outcome="kept_back"}'] == "1"
    assert found['mado_requests_total{group="webhook",status="200"}'] == "3"
    assert found['mado_requests_total{group="webhook",status="401"}'] == "1"
    assert found['mado_events_total{type="message.received"}'] == "1"
    assert found['mado_queue_depth{queue="kept_back"}'] == "1"


def test_page_times_are_a_histogram(client):
    client.get("/sign-in"), client.get("/sign-in")
    found = read(client)
    buckets = [int(found[f'mado_request_seconds_bucket{{group="auth",le="{le}"}}']) for le in (*counters.BUCKETS, "+Inf")]
    assert buckets == sorted(buckets) and buckets[-1] == 2
    assert found['mado_request_seconds_count{group="auth"}'] == "2"
    assert float(found['mado_request_seconds_sum{group="auth"}']) > 0


def test_watching_is_not_counted(client):
    client.get("/healthz"), client.get("/readyz"), client.get("/metrics")
    assert not any("request" in series for series in read(client))


def test_every_series_has_its_help_and_type_once(app, client):
    client.get("/sign-in")
    read(client)
    lines = client.get("/metrics").text.splitlines()
    types = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(types) == len(set(types))
    families = {re.sub(r"_(bucket|sum|count)$", "", re.split(r"[{ ]", line)[0]) for line in lines if line[0] != "#"}
    assert families == set(types)


def test_what_was_rolled_back_is_not_counted(app):
    with app.app_context():
        transaction.start_writing()
        events.record("session.started")
        transaction.release()
    assert counters.take() == {}


def test_a_mado_at_rest_writes_nothing(app):
    with app.app_context():
        Housekeeping(app)._write_metrics()
        assert metrics.totals() == {}


def test_what_could_not_be_written_is_kept(app, monkeypatch):
    counters.count(["mado_x"])
    monkeypatch.setattr(metrics, "add", lambda _taken: 1 / 0)
    with app.app_context(), pytest.raises(ZeroDivisionError):
        Housekeeping(app)._write_metrics()
    assert counters.take() == {"mado_x": 1}


def test_a_database_that_is_gone_is_told(client, monkeypatch):
    from sqlalchemy.exc import OperationalError

    def gone():
        raise OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr(metrics, "totals", gone)
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert "mado_database_up 0" in answer.text.splitlines()

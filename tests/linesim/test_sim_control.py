"""The control API: customers, scenes, the log, the account, reset; and the program itself."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from linesim_tools import SECRET, TOKEN, texts_seen, write

from linesim import create_app, ids

ROOT = Path(__file__).parents[2]


def test_the_opening_cast_is_there(sim):
    names = [c["name"] for c in sim.get("/_sim/customers").json["items"]]
    assert names == ["Somchai", "Yuki", "Mei", "Anna", "Kenji"]
    assert [g["name"] for g in sim.get("/_sim/groups").json["items"]] == ["Office move 引越し"]


def test_a_customer_of_the_same_name_is_the_same_customer(sim):
    first = sim.post("/_sim/customers", json={"name": "Nok", "language": "th"})
    again = sim.post("/_sim/customers", json={"name": "Nok"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json == again.json
    assert first.json["relation"] == "friend"


@pytest.mark.parametrize("body", [{}, {"name": " "}, {"name": "x", "relation": "enemy"}, {"name": 5}, []])
def test_an_odd_customer_is_refused(sim, body):
    assert sim.post("/_sim/customers", json=body).status_code == 400


def test_who_has_blocked_the_account_cannot_write_before_unblocking(sim, somchai):
    sim.post(f"/_sim/customers/{somchai}/block")
    refused = sim.post(f"/_sim/customers/{somchai}/messages", json={"text": "x"})
    assert (refused.status_code, refused.json) == (409, {"message": "Somchai has blocked the account"})
    sim.post(f"/_sim/customers/{somchai}/follow")
    assert write(sim, somchai)["status"] == 200


def test_only_members_write_and_read_in_a_group(sim, office):
    anna = ids.user_id("Anna")
    assert sim.post(f"/_sim/customers/{anna}/messages", json={"text": "x", "group": office}).status_code == 409
    assert sim.get(f"/_sim/customers/{anna}/talk?group={office}").status_code == 404


def test_three_fresh_chats_come_from_three_customers_in_three_languages(sim, bot):
    played = sim.post("/_sim/scenes/three-fresh-chats", json={"pause": 0, "wait": True})
    assert [one["status"] for one in played.json["items"]] == [200, 200, 200]
    assert [texts_seen(sim, ids.user_id(name))[0][:2] for name in ("Somchai", "Yuki", "Mei")] == ["สว", "こん"[:2], "你好"]


def test_new_customers_never_run_out(sim):
    for _ in range(14):
        assert sim.post("/_sim/scenes/new-customer").status_code == 201
    customers = sim.get("/_sim/customers").json["items"]
    assert len({c["user_id"] for c in customers}) == len({c["name"] for c in customers}) == 5 + 14


def test_the_log_shows_both_directions_without_secrets(sim, line, somchai):
    write(sim, somchai)
    line.push(somchai, "x")
    sim.post("/oauth2/v3/token", data={"grant_type": "client_credentials", "client_id": "1650000042", "client_secret": SECRET})
    webhook, push, minted = sim.get("/_sim/calls").json["items"]
    assert (webhook["direction"], webhook["name"], webhook["status"]) == ("webhook", "message", 200)
    assert (push["direction"], push["name"], push["status"], push["request"]["to"]) == ("api", "push", 200, somchai)
    text = sim.get("/_sim/calls").get_data(as_text=True)
    assert minted["name"] == "token" and SECRET not in text and TOKEN not in text
    assert [c["name"] for c in sim.get(f"/_sim/calls?after={webhook['number']}&name=push").json["items"]] == ["push"]


def test_the_account_can_be_configured_later(sim):
    assert sim.patch("/_sim/account", json={"token": "new", "name": "Shop"}).json["access_token"] == "new"
    assert sim.get("/v2/bot/info", headers={"Authorization": "Bearer new"}).json["displayName"] == "Shop"


@pytest.mark.parametrize("body", [{"colour": "green"}, {"name": 5}, {"redelivery": "yes"}, {"token": "t", "quota": 1}])
def test_an_odd_configuration_changes_nothing(sim, body):
    before = sim.get("/_sim/account").json
    assert sim.patch("/_sim/account", json=body).status_code == 400
    assert sim.get("/_sim/account").json == before


def test_reset_brings_back_the_opening_cast_and_keeps_the_account(sim, somchai):
    write(sim, somchai)
    sim.post("/_sim/customers", json={"name": "Nok"})
    sim.post("/_sim/reset")
    assert texts_seen(sim, somchai) == []
    assert len(sim.get("/_sim/customers").json["items"]) == 5
    assert sim.get("/_sim/calls").json["items"] == []
    assert sim.get("/_sim/account").json["access_token"] == TOKEN


def test_pages_of_other_sites_cannot_act_here(sim, somchai):
    answer = sim.post(f"/_sim/customers/{somchai}/block", headers={"Origin": "https://example.com"})
    assert answer.status_code == 403
    assert sim.get(f"/_sim/customers/{somchai}").json["relation"] == "friend"


def test_an_unknown_setting_of_the_account_is_an_error():
    with pytest.raises(TypeError, match="colour"):
        create_app(colour="green")


def test_importing_the_package_costs_nearly_nothing():
    code = "import sys, linesim; sys.exit(any(m in sys.modules for m in ('flask', 'PIL', 'linesim.factory')))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_program_stops_at_once(number):
    command = [sys.executable, "-m", "linesim", "--port", "0", "--name", "Shop"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": ""}) as program:
        assert program.stdout.readline().startswith("LINE simulator on http://127.0.0.1:")
        program.send_signal(number)
        assert program.wait(timeout=10) == 0

"""Ordered faults, over a real socket: before acceptance nothing arrives, after it everything does."""

import http.client
import json
import threading
import time

import pytest
from flask import Response
from linesim_tools import TOKEN, texts_seen, write

BEFORE = [("429", 429), ("429-retry-after", 429), ("429-monthly", 429), ("500", 500), ("500-html", 500), ("503", 503), ("401", 401)]


@pytest.fixture
def push(running, somchai):
    def push(*, timeout=5.0):
        connection = http.client.HTTPConnection("127.0.0.1", running.server.server_port, timeout=timeout)
        body = json.dumps({"to": somchai, "messages": [{"type": "text", "text": "hello"}]})
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        try:
            connection.request("POST", "/v2/bot/message/push", body, headers)
            response = connection.getresponse()
            return response.status, response.read(), response.headers
        finally:
            connection.close()

    return push


@pytest.fixture
def complaints(running, caplog, capfd):
    """A function: what the terminal has heard when every request is done with."""

    others = set(threading.enumerate())  # a server of another test may hang on purpose

    def heard():
        deadline = time.monotonic() + 10
        while any("process_request" in one.name for one in {*threading.enumerate()} - others):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return caplog.text + capfd.readouterr().err

    return heard


def order(sim, what, call="push", **more):
    assert sim.post("/_sim/faults", json={"call": call, "what": what, **more}).status_code == 201


@pytest.mark.parametrize("what, status", BEFORE)
def test_a_refusing_fault_lets_nothing_arrive_and_is_over_after_its_times(sim, push, somchai, what, status):
    order(sim, what, times=2)
    assert [push()[0] for _ in range(3)] == [status, status, 200]
    assert texts_seen(sim, somchai) == ["hello"]


def test_a_monthly_429_says_so(sim, push):
    order(sim, "429-monthly")
    assert b"monthly limit" in push()[1]


def test_a_reset_cuts_the_connection_before_line_accepts(sim, push, somchai):
    order(sim, "reset")
    with pytest.raises(ConnectionError):
        push()
    assert texts_seen(sim, somchai) == []


def test_a_reset_after_acceptance_loses_the_answer_only(sim, push, somchai):
    order(sim, "reset-after")
    with pytest.raises(ConnectionError):
        push()
    assert texts_seen(sim, somchai) == ["hello"]


@pytest.mark.parametrize("what, seen", [("timeout-before", []), ("timeout-after", ["hello"])])
def test_a_timeout_answers_nothing(sim, push, somchai, what, seen):
    order(sim, what)
    with pytest.raises(TimeoutError):
        push(timeout=0.3)
    assert texts_seen(sim, somchai) == seen


def test_half_an_answer_is_cut_off_after_acceptance(sim, push, somchai):
    order(sim, "half-200")
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        push()
    assert texts_seen(sim, somchai) == ["hello"]


@pytest.mark.parametrize("what, body", [("odd-200", b"{}"), ("odd-200-html", b"<html>OK</html>")])
def test_an_odd_200_was_accepted(sim, push, somchai, what, body):
    order(sim, what)
    assert push()[:2] == (200, body)
    assert texts_seen(sim, somchai) == ["hello"]


def test_what_line_refuses_is_never_called_accepted(sim, push):
    order(sim, "odd-200")
    nobody = {"to": "U" + "0" * 32, "messages": [{"type": "text", "text": "hello"}]}
    refused = sim.post("/v2/bot/message/push", json=nobody, headers={"Authorization": f"Bearer {TOKEN}"})
    assert refused.status_code == 400


def test_a_500_after_acceptance_was_accepted(sim, push, somchai):
    order(sim, "500-after")
    assert push()[0] == 500
    assert texts_seen(sim, somchai) == ["hello"]


def test_a_fault_strikes_only_the_call_it_names(sim, line, somchai):
    order(sim, "500", call="profile")
    assert line.push(somchai, "x").status_code == 200
    assert line.get(f"/v2/bot/profile/{somchai}").status_code == 500
    assert line.get(f"/v2/bot/profile/{somchai}").status_code == 200


@pytest.mark.parametrize("what", ["202", "410"])
def test_a_medium_is_not_there_as_often_as_ordered(sim, line, somchai, what):
    message = write(sim, somchai, kind="video")["messageId"]
    order(sim, what, call="content", times=2)
    statuses = [line.get(f"/v2/bot/message/{message}/content").status_code for _ in range(3)]
    assert statuses == [int(what), int(what), 200]


def test_a_star_strikes_any_call_token_calls_too(sim, line):
    order(sim, "503", call="*", times=2)
    assert line.get("/v2/bot/info").status_code == 503
    assert sim.post("/v2/oauth/verify", data={}).status_code == 503
    assert sim.get("/_sim/faults").json == {"items": []}


def test_faults_can_be_taken_back(sim, line):
    order(sim, "500", call="*", times=100)
    sim.delete("/_sim/faults")
    assert line.get("/v2/bot/info").status_code == 200


def test_an_unknown_fault_is_refused(sim):
    answer = sim.post("/_sim/faults", json={"call": "push", "what": "earthquake"})
    assert answer.status_code == 400
    assert "timeout-after" in answer.json["message"]


@pytest.mark.parametrize("what", ["reset", "reset-after", "timeout-before", "timeout-after", "half-200"])
def test_what_is_cut_off_on_purpose_is_reset_and_nothing_is_said_of_it(sim, push, complaints, what):
    order(sim, what, seconds=0.01)
    with pytest.raises((ConnectionResetError, http.client.IncompleteRead)):
        push()
    assert complaints() == ""


def test_a_hanging_call_whose_caller_gave_up_ends_in_silence(sim, push, complaints):
    order(sim, "timeout-after")
    with pytest.raises(TimeoutError):
        push(timeout=0.1)
    sim.delete("/_sim/faults")
    assert complaints() == ""


def test_a_real_error_of_the_simulator_is_heard(app, push, complaints):
    def broken():
        raise ValueError("no fault was ordered")
        yield b""

    app.view_functions["api.push"] = lambda: Response(broken())
    assert push()[0] == 500
    assert "no fault was ordered" in complaints()

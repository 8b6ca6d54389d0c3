"""What Mado costs at rest: its start, its memory before and after the first reply, 100 idle pages."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median

from bench import cpu, load, posts, servers, simulator
from bench.servers import Server
from bench.simulator import call, wait_until
from bench.sockets import Crowd, Page
from bench.table import Row

PAGES = ("/chats", "/cases", "/settings", "/cases/1")


def rows(*, seconds: float, sockets: int, starts: int) -> Iterator[Row]:
    """The rows of the table."""
    sim_port = servers.free_port()
    with ExitStack() as stack:
        line = f"http://127.0.0.1:{sim_port}"
        mado = stack.enter_context(
            servers.mado(cases=1000, active=10, LINE_API_URL=line, LINE_DATA_API_URL=line)
        )
        stack.enter_context(simulator.running(sim_port, mado.port))
        look_around(mado)
        yield Row(
            "memory of the process tree before the first reply", memory(mado), "MB PSS", most=110
        )
        yield _idle(mado, sockets, seconds)
        reply(mado, line)
        look_around(mado)
        yield Row(
            "memory of the process tree after the first reply", memory(mado), "MB PSS", most=190
        )
    seconds, processor = (median(of) for of in zip(*_starts(starts), strict=True))
    note = f"{processor:.2f} CPU-s"
    yield Row("start to the sign-in page", seconds, "s", most=1.5, note=note)


def _idle(server: Server, sockets: int, seconds: float) -> Row:
    cookies = server.seeded["cookies"]
    crowd = Crowd(Page(server.port, cookies[n % len(cookies)]) for n in range(sockets))
    crowd.listen(3)
    pids = server.pids
    before = cpu.milliseconds(pids)
    crowd.listen(seconds)
    used = (cpu.milliseconds(pids) - before) / seconds / 10
    crowd.close()
    return Row(f"idle with {sockets} open pages", used, "% CPU", most=2.0)


def memory(server: Server) -> float:
    """Megabytes of its process tree (PSS)."""
    return cpu.pss_megabytes(cpu.tree(server.process.pid))


def look_around(server: Server) -> None:
    """What people do first: pages are rendered, templates compiled, modules loaded."""
    for path in PAGES:
        load.run(server.port, [load.get(server.port, path, cookie=server.seeded["cookies"][0])] * 5)
    load.run(server.port, posts.webhooks(posts.known_users(10), 50, port=server.port))


def reply(server: Server, line: str) -> None:
    """A customer of the simulator writes, an agent answers, and it arrives on the phone."""
    talk = simulator.customer(line, "Bench")
    call(f"{talk}/messages", {"text": "a question for the bench", "wait": True})
    api, token = f"http://127.0.0.1:{server.port}/api/v1", server.seeded["api_token"]
    found = call(f"{api}/cases?chat=active&q=question+for+the+bench", token=token)["items"]
    number = found[0]["number"]
    call(f"{api}/cases/{number}/messages", {"text": "an answer"}, token=token)
    wait_until(lambda: "an answer" in json.dumps(call(f"{talk}/talk"), ensure_ascii=False))


def _starts(times: int) -> Iterator[tuple[float, float]]:
    """Seconds from the command to the sign-in page, and processor seconds, of several starts.

    The database and the compiled modules are there already.
    """
    with servers.environment({}, None) as env:
        servers.seed(env, 10, 1, ())
        for _ in range(times):
            began = time.perf_counter()
            with servers.running(servers.EMBEDDED, env) as server:
                request = load.get(server.port, "/sign-in")
                wait_until(lambda: b"Password" in load.run(server.port, [request]).body)
                seconds = time.perf_counter() - began
                yield seconds, cpu.milliseconds(cpu.tree(server.process.pid)) / 1000

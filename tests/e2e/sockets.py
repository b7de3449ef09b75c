#!/usr/bin/env python3
"""Clients that misbehave at the level of sockets, all at once, while a good one keeps asking: heads and bodies byte by byte,
connections that say nothing or half of it, answers nobody takes, requests that are too large or no HTTP. The good client is always
answered, the others are refused or left. Loopback only, about half a minute. Also: HTTPS with a certificate of our own.

usage: sockets.py [--clearwell PATH]
"""

import argparse
import collections
import functools
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

from program import Failure, add_arguments
from served import shop

SECONDS = 20
# What a good client waits at most: far more than an answer takes on a busy machine.
PATIENCE = 10
WRITE_SECONDS = 3
LIMITS = {
    "CLEARWELL_LIMITS_HEAD_SECONDS": "3",
    "CLEARWELL_LIMITS_REQUEST_SECONDS": "5",
    "CLEARWELL_LIMITS_WRITE_SECONDS": str(WRITE_SECONDS),
}
PATH = b"/api/v1/top_customers?limit=1000"


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_arguments(arguments)
    given = arguments.parse_args()
    try:
        with shop(given.clearwell, LIMITS) as served:
            malformed(served)
            under_attack(served)
        https(given.clearwell)
    except Failure as failure:
        sys.exit(f"FAIL {failure}")


def connect(served, receive_bytes=None):
    """A connection, with a buffer of its own size: that has to be said before it is made."""
    host, port = served.address.removeprefix("http://").split(":")
    client = socket.socket()
    client.settimeout(PATIENCE)
    if receive_bytes:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    client.connect((host, int(port)))
    return client


def send(served, data):
    """What comes back until the server closes; empty where it just closes."""
    with connect(served) as client:
        try:
            client.sendall(data)
            answer = b""
            while part := client.recv(65536):
                answer += part
        except (ConnectionResetError, BrokenPipeError):
            return b""
        except TimeoutError as error:
            raise Failure(f"no end of the answer to {data[:60]!r}") from error
        return answer


def head(served, *lines, path=PATH, method=b"GET", version=b"HTTP/1.1"):
    own = [b"Host: localhost", b"Authorization: Bearer " + served.token.encode()]
    return method + b" " + path + b" " + version + b"\r\n" + b"\r\n".join([*own, *lines, b"", b""])


def malformed(served):
    good = head(served, b"Connection: close")
    if not send(served, good).startswith(b"HTTP/1.1 200"):
        raise Failure("a good request is not answered")
    cases = {
        "a long head": (head(served, b"X-Long: " + b"x" * 100_000), {431, 0}),
        "many headers": (head(served, *[b"X-%d: x" % number for number in range(2000)]), {431, 0}),
        "a long target": (head(served, b"Connection: close", path=PATH + b"&x=" + b"x" * 20_000), {414}),
        "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 40, {400, 0}),
        "HTTP/0.9": (b"GET " + PATH + b"\r\n\r\n", {400, 0}),
        "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 505, 0}),
        "a null in the target": (head(served, path=b"/api/\0v1/"), {400, 0}),
        "a null in a header": (head(served, b"X-Null: a\0b"), {400, 0}),
        "a header over two lines": (head(served, b"X-Fold: a\r\n b"), {400, 0}),
        "a blank before the colon": (head(served, b"X-Blank : a"), {400, 0}),
        "no method": (b" " + PATH + b" HTTP/1.1\r\n\r\n", {400, 0}),
        "a negative length": (head(served, b"Content-Length: -1", method=b"POST"), {400, 0}),
        "two lengths": (head(served, b"Content-Length: 1", b"Content-Length: 2", method=b"POST"), {400, 0}),
        "length and chunks": (
            head(served, b"Content-Length: 4", b"Transfer-Encoding: chunked", path=b"/api/v1/token", method=b"POST")
            + b"0\r\n\r\n" + head(served, b"Connection: close"),
            {400, 0},
        ),
        "bad chunks": (
            head(served, b"Transfer-Encoding: chunked", b"Connection: close", path=b"/api/v1/token", method=b"POST") + b"zz\r\nx\r\n",
            {400, 0},
        ),
        "a large body": (
            head(served, b"Content-Type: application/x-www-form-urlencoded", b"Content-Length: 2000000", b"Connection: close",
                 path=b"/api/v1/token", method=b"POST") + b"x" * 2_000_000,
            {413, 0},
        ),
        "a method that is none": (head(served, b"Connection: close", method=b"BREW"), {405}),
        "another scheme in the target": (head(served, b"Connection: close", path=b"http://localhost" + PATH), {200, 400, 404}),
    }  # fmt: skip
    for name, (request, expected) in cases.items():
        answer = send(served, request)
        status = int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/") else 0
        if status not in expected:
            raise Failure(f"{name}: {status or 'nothing'} instead of {expected}: {answer[:200]!r}")
        if answer.count(b"HTTP/1.1 ") > 1:
            raise Failure(f"{name}: a second request was smuggled in")
    pipelined = send(served, head(served) * 4 + head(served, b"Connection: close"))
    if pipelined.count(b"HTTP/1.1 200") != 5:
        raise Failure(f"five requests in a row got {pipelined.count(b'HTTP/1.1 200')} answers")
    print(f"ok   {len(cases)} malformed requests are refused, five in a row are answered")


def under_attack(served):
    stop = threading.Event()
    clients = [slow_head] * 150 + [silent] * 100 + [half] * 100 + [slow_body] * 50 + [takes_nothing] * 50
    CUT.clear()
    threads = [threading.Thread(target=client, args=(served, stop), daemon=True) for client in clients]
    for thread in threads:
        thread.start()
    asked, longest, until = 0, 0.0, time.monotonic() + SECONDS
    while time.monotonic() < until:
        began = time.monotonic()
        served.get("/livez")
        served.get("/api/v1/daily_sales?limit=3")
        longest = max(longest, time.monotonic() - began)
        asked += 1
        if longest > PATIENCE:
            raise Failure(f"a good client waited {longest:.1f} s")
        time.sleep(0.02)
    stop.set()
    for thread in threads:
        thread.join(PATIENCE)
    spared = {client.__name__ for client in clients} - CUT.keys()
    if spared:
        raise Failure(f"the server keeps the connections of {', '.join(sorted(spared))}")
    if not send(served, head(served, b"Connection: close")).startswith(b"HTTP/1.1 200"):
        raise Failure("afterwards nobody is answered")
    print(f"ok   {len(clients)} bad clients beside a good one, answered {asked} times, after {longest * 1000:.0f} ms at most")
    print(f"ok   connections ended by the server: {', '.join(f'{name} {count}' for name, count in sorted(CUT.items()))}")


# How many connections the server ended, by the client that had them.
CUT = collections.Counter()


def again(client):
    """Runs a client again and again until it is told to stop. It says whether the server ended its connection."""

    @functools.wraps(client)
    def run(served, stop):
        while not stop.is_set():
            try:
                connection = connect(served, 4096)
            except OSError:
                time.sleep(0.2)
                continue
            with connection:
                connection.settimeout(SECONDS)
                try:
                    ended = client(served, connection, stop)
                except (ConnectionResetError, BrokenPipeError):
                    ended = True
                except OSError:
                    ended = False
            if ended:
                CUT[client.__name__] += 1
            else:
                time.sleep(0.2)

    return run


@again
def slow_head(served, connection, stop):
    for byte in head(served):
        if stop.wait(0.3):
            return False
        connection.send(bytes([byte]))
    return False


@again
def silent(served, connection, stop):
    connection.settimeout(1)
    while not stop.is_set():
        try:
            if not connection.recv(1):
                return True
        except TimeoutError:
            pass
    return False


@again
def half(served, connection, stop):
    connection.sendall(head(served)[:-2])
    connection.shutdown(socket.SHUT_WR)
    ended = not connection.recv(100)
    stop.wait(0.2)
    return ended


@again
def slow_body(served, connection, stop):
    lines = (b"Content-Type: application/x-www-form-urlencoded", b"Content-Length: 1000")
    connection.sendall(head(served, *lines, path=b"/api/v1/token", method=b"POST"))
    for _ in range(1000):
        if stop.wait(0.3):
            return False
        connection.send(b"x")
    return False


@again
def takes_nothing(served, connection, stop):
    # More than the buffers on both sides hold together, else the server has nothing to wait for.
    asked = 100
    for _ in range(asked):
        connection.sendall(head(served))
    if stop.wait(WRITE_SECONDS + 3):
        return False
    # What was on its way is still there to be read; whether the rest follows tells whether the server has given up.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    answers, last = 0, b""
    while part := connection.recv(1 << 16):
        answers += (last + part).count(b"HTTP/1.1 200")
        last = part[-11:]
    return answers < asked


def https(program):
    openssl = shutil.which("openssl")
    if not openssl:
        print("skip HTTPS: there is no openssl to make a certificate")
        return
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = Path(folder) / "certificate.pem", Path(folder) / "key.pem"
        command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                   "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True)
        settings = {"CLEARWELL_SERVER_TLS_CERTIFICATE": str(certificate), "CLEARWELL_SERVER_TLS_KEY": str(key)}
        trusted = ssl.create_default_context(cafile=str(certificate))
        with shop(program, settings, trusted) as served:
            request = urllib.request.Request(
                f"{served.address}/api/v1/daily_sales?limit=1", headers={"Authorization": f"Bearer {served.token}"}
            )
            with urllib.request.urlopen(request, timeout=PATIENCE, context=trusted) as answer:
                if answer.status != 200:
                    raise Failure(f"HTTPS answers {answer.status}")
            plain = send(Plain(served), b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            if plain.startswith(b"HTTP/1.1 200"):
                raise Failure("plain HTTP is answered where HTTPS is spoken")
    print("ok   HTTPS with a certificate of our own")


class Plain:
    """The same server, spoken to without TLS."""

    def __init__(self, served):
        self.address = served.address.replace("https://", "http://")


if __name__ == "__main__":
    main()

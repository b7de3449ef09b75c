#!/usr/bin/env python3
"""Serves the bundled shop, built into a folder of its own, for as long as a command runs.

In the command, {address} stands for http://host:port and {token} for a token that may ask everything. Exit code: the
command's.

usage: served.py [--clearwell PATH] -- COMMAND…
"""

import argparse
import contextlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from program import REPOSITORY, Clearwell, Failure, add_arguments

SECONDS_TO_START = 30


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("command", nargs="+")
    add_arguments(arguments)
    given = arguments.parse_args()
    try:
        with shop(given.clearwell) as served:
            command = [part.format(address=served.address, token=served.token) for part in given.command]
            sys.exit(subprocess.run(command).returncode)
    except Failure as failure:
        sys.exit(f"FAIL {failure}")


class Served:
    """A shop that answers at an address, with a token for everything."""

    def __init__(self, clearwell, address, trusted=None):
        self.clearwell, self.address, self.trusted, self.token = clearwell, address, trusted, None

    def get(self, path):
        """The body of an answer; anything but 200 is a failure."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        request = urllib.request.Request(self.address + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=20, context=self.trusted) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise Failure(f"{path}: {error.code} {error.read().decode(errors='replace')}") from error


def shop(program, settings=None, trusted=None):
    return project(program, REPOSITORY / "sql", settings, trusted)


@contextlib.contextmanager
def project(program, folder, settings=None, trusted=None):
    """Serves the project in a folder, whose warehouse is elsewhere and thrown away; by HTTPS where a certificate is trusted."""
    with tempfile.TemporaryDirectory() as scratch:
        clearwell = Clearwell(program, folder, Path(scratch) / "warehouse", settings)
        clearwell.build()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        with open(Path(scratch) / "talk", "w+", encoding="utf-8") as talk:
            server = clearwell.start("serve", "--bind", address, stderr=talk)
            try:
                served = Served(clearwell, f"{'https' if trusted else 'http'}://{address}", trusted)
                wait_until_ready(served, server, talk)
                served.token = clearwell.run("token", "--scope", "*").decode().strip()
                yield served
            finally:
                server.terminate()
                server.wait()


def wait_until_ready(served, server, talk):
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            served.get("/readyz")
            return
        except (OSError, Failure) as error:
            if server.poll() is not None or time.monotonic() > deadline:
                talk.seek(0)
                raise Failure(f"the server does not start: {error}\n{talk.read()}") from error
            time.sleep(0.05)


if __name__ == "__main__":
    main()

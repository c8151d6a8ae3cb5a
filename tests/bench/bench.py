"""
What `run` and `smoke.py` share: the filters as child processes, the load generator, the
recipients that it sends to, and how results are put together.
"""

import contextlib
import json
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, "..", "..")
sys.path.insert(0, os.path.join(HERE, "..", "integration"))

from harness.process import Server, remove_folder  # noqa: E402
from harness.wait import DEADLINE_S  # noqa: E402


class WrongCount(Exception):
    """Mail was answered as it must not be, or a row is missing: no measure counts."""


def note(text):
    print(f"... {text}", file=sys.stderr, flush=True)


def warn_if_busy():
    load_average = os.getloadavg()[0]
    if load_average > os.cpu_count() / 2 and os.sched_getscheduler(0) == os.SCHED_OTHER:
        note(f"other programs compute here (load {load_average:.1f}): see --help on chrt")


def build_release():
    note("building the release preset")
    for command in (["cmake", "--preset", "release"], ["cmake", "--build", "--preset", "release"]):
        done = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)} failed\n{done.stdout}{done.stderr}")
    return os.path.join(SOURCE, "build", "release")


@contextlib.contextmanager
def scratch_folder(parent=None):
    """A folder that Postfix and the daemon's user can enter, gone at the end."""
    folder = tempfile.mkdtemp(prefix="nearmiss-bench-", dir=parent)
    os.chmod(folder, 0o755)
    try:
        yield folder
    finally:
        remove_folder(folder)


def _connect(address):
    """A connection to "unix:path" or "inet:port@host"."""
    kind, _, place = address.partition(":")
    port, _, host = place.partition("@")
    connection = socket.socket(socket.AF_UNIX if kind == "unix" else socket.AF_INET)
    try:
        connection.settimeout(DEADLINE_S)
        connection.connect(place if kind == "unix" else (host, int(port)))
        return connection
    except OSError:
        connection.close()
        raise


_OFFER = struct.pack("!IcIII", 13, b"O", 6, 0x1FF, 0x1FFFFF)


def negotiates(address):
    """Whether a filter answers there. That somebody listens is not enough: libmilter does
    so before it is ready to be stopped."""
    try:
        with _connect(address) as connection:
            connection.sendall(_OFFER)
            return connection.recv(1) != b""
    except OSError:
        return False


class Filter:
    """One of the bench's own filters, from the folder of programs `build`, while the
    `with` lasts. `address` is a unix socket in `folder` unless given."""

    def __init__(self, build, folder, name, address=None, arguments=()):
        self.name = name
        self.address = address or f"unix:{os.path.join(folder, name)}.sock"
        self._argv = [os.path.join(build, name), self.address, *arguments]
        self._log = os.path.join(folder, f"{name}.log")
        self.server = None

    @property
    def pid(self):
        return self.server.pid

    def __enter__(self):
        self.server = Server(self.name, self._argv, self._log)
        self.server.until("answers", lambda: negotiates(self.address))
        return self

    def __exit__(self, *_):
        status = self.server.stop(signal.SIGUSR1)
        if status != 0:
            raise WrongCount(f"{self.name} ended with {status}: {self.server.log.text()}")


class QueueFilter(Filter):
    def __init__(self, build, folder):
        self.database = os.path.join(folder, "queue.db")
        super().__init__(build, folder, "queue_filter", arguments=[self.database])


def load(build, address, **options):
    """Run the load generator; its result. WrongCount when it says that answers were wrong
    or a connection broke."""
    argv = [os.path.join(build, "milter_load"), "--json"]
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        if value is True:
            argv.append(flag)
        elif value is not False and value is not None:
            argv += [flag, str(value)]
    done = subprocess.run([*argv, address], capture_output=True, text=True)
    if done.returncode != 0:
        raise WrongCount(f"{' '.join(argv)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout)


class Names:
    """Made-up domains: `known` ones that a site would list, `strangers` that resemble none
    of them, and `near` misses, two letters of a known one swapped."""

    KNOWN = 4000
    STRANGERS = 1000
    NEAR = 500

    def __init__(self):
        draw = random.Random(20240501)
        known = self._distinct(draw, self.KNOWN, "bdfgklmnprst", "aeiou", 5, ".com")
        strangers = self._distinct(draw, self.STRANGERS, "chjqvwxz", "aouy", 8, ".org")
        self.known = known
        self.strangers = strangers
        self.near = [self._swap(name) for name in known[: self.NEAR]]

    @staticmethod
    def _distinct(draw, count, consonants, vowels, syllables, suffix):
        names = {}
        while len(names) < count:
            parts = (draw.choice(consonants) + draw.choice(vowels) for _ in range(syllables))
            names["".join(parts) + suffix] = None
        return list(names)

    @staticmethod
    def _swap(name):
        return name[:4] + name[5] + name[4] + name[6:]

    def write(self, folder):
        """Write partners (what the site knows), domains (whom it writes to) and near, one
        a line; their paths by these names."""
        lists = {
            "partners": self.known,
            "domains": self.known + self.strangers,
            "near": self.near,
        }
        paths = {}
        for name, lines in lists.items():
            paths[name] = os.path.join(folder, f"{name}.txt")
            with open(paths[name], "w") as file:
                file.writelines(f"{line}\n" for line in lines)
        return paths


def memory_mib(pid):
    """(resident now, largest so far) of a process."""
    values = {}
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            key, _, value = line.partition(":")
            if key in ("VmRSS", "VmHWM"):
                values[key] = int(value.split()[0]) / 1024
    return values["VmRSS"], values["VmHWM"]


def reset_peak(pid):
    """Let "largest so far" begin anew; see proc(5), clear_refs."""
    with open(f"/proc/{pid}/clear_refs", "w") as file:
        file.write("5")


def table(head, rows):
    """Columns as wide as they need be: the first to the left, the others to the right."""
    cells = [head, *rows]
    widths = [max(len(str(row[i])) for row in cells) for i in range(len(head))]
    lines = []
    for row in cells:
        first, *others = (str(cell) for cell in row)
        rest = "".join("  " + cell.rjust(w) for cell, w in zip(others, widths[1:]))
        lines.append(first.ljust(widths[0]) + rest)
    return "\n".join(line.rstrip() for line in lines)

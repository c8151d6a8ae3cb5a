"""
nearmissd under test, and the tool nearmiss beside it.

The programs come from the environment: NEARMISSD and NEARMISS name the binaries, which
may be sanitizer builds. The daemon runs as an unprivileged user in Postfix's group, as
its unit would start it. A daemon that ends with another status than 0, or prints a
sanitizer's report, fails whoever stops it.
"""

import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess

from . import conf
from .process import Server, accepts
from .wait import DEADLINE_S, until

USER = "nobody"
GROUP = "postfix"  # owns the milter's socket

_REPORT = re.compile(
    r"ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:"
    r"|ThreadSanitizer: |AddressSanitizer:"
)


class DaemonFault(AssertionError):
    """The daemon ended as it must not."""


class Daemon:
    """One nearmissd with files of its own in `folder`. `changes` is laid over the
    configuration below."""

    def __init__(self, folder, changes=None):
        self.folder = folder
        self.configuration = os.path.join(folder, "nearmiss.conf")
        self.database = os.path.join(folder, "audit.db")
        self.milter_socket = os.path.join(folder, "milter.sock")
        self.control_socket = os.path.join(folder, "control.sock")
        self.takes_mail = lambda: accepts(self.milter_socket)
        self.server = None
        self._user = pwd.getpwnam(USER)
        os.makedirs(folder, mode=0o755, exist_ok=True)
        os.chown(folder, self._user.pw_uid, self._user.pw_gid)
        self.configure(changes)

    def program(self, variable):
        """A copy of a program: the build may lie where the daemon's user cannot go."""
        original = os.environ[variable]
        copy = os.path.join(self.folder, os.path.basename(original))
        if not os.path.exists(copy):
            shutil.copy(original, copy)
        return copy

    def _environment(self):
        """The sanitizers' options, with a file they name where the user can read it."""
        options = os.environ.get("TSAN_OPTIONS", "")
        found = re.search(r"(?:^|:)suppressions=([^:]+)", options)
        if not found:
            return {}
        copy = os.path.join(self.folder, "tsan.supp")
        shutil.copy(found[1], copy)
        os.chmod(copy, 0o644)
        return {"TSAN_OPTIONS": options.replace(found[1], copy)}

    def settings(self):
        """The configuration without a test's own changes."""
        return {
            "mode": "enforce",
            "milter": {
                "socket": f"unix:{self.milter_socket}",
                "socket_mode": "0660",
                "socket_group": GROUP,
            },
            "protect": {
                "own": ["example.org"],
                "domains": ["army.mil", "partner.example"],
                "suffixes": ["mil"],
                "providers": False,
            },
            "rules": [
                {
                    "name": "mil-ml",
                    "technique": ["suffix"],
                    "target": ["*.mil", "army.mil"],
                    "action": "reject",
                },
            ],
            "audit": {"database": self.database, "wait_ms": 20000},
            "control": {"socket": f"unix:{self.control_socket}"},
            "gateway": "gw.test.example",
        }

    def configure(self, changes=None, text=None):
        """Write the configuration that the next start or reload reads."""
        if text is None:
            text = conf.text(conf.merge(self.settings(), changes or {}))
        with open(self.configuration, "w") as file:
            file.write(text)

    def launch(self, environment=None, as_root=False):
        """Start it, without waiting for it."""
        identity = {
            "user": self._user.pw_uid,
            "group": self._user.pw_gid,
            "groups": [GROUP],
        }
        self.server = Server(
            "nearmissd",
            [self.program("NEARMISSD"), "-c", self.configuration],
            os.path.join(self.folder, "nearmissd.log"),
            env={**self._environment(), **(environment or {})},
            **({} if as_root else identity),
        )

    def start(self, environment=None, as_root=False):
        self.launch(environment, as_root)
        self.server.until("takes milter connections", self.takes_mail)
        self.server.until("takes requests", lambda: accepts(self.control_socket))

    def stop(self, number=signal.SIGTERM):
        """End it cleanly; DaemonFault when that is not how it ends."""
        if self.server is None:
            return
        server, self.server = self.server, None
        status = server.stop(number)
        words = server.words()
        if status != 0 or _REPORT.search(words):
            raise DaemonFault(f"nearmissd ended with status {status}\n{words}")

    def kill(self):
        """End it as a crash would."""
        server, self.server = self.server, None
        server.stop(signal.SIGKILL)

    def reload_by_signal(self):
        """SIGUSR1, and wait until it says in its status that another configuration is in
        force."""
        before = self.status()["config"]
        self.server.send_signal(signal.SIGUSR1)
        until("the new configuration is in force", lambda: self.status()["config"] != before)

    def run(self, *arguments, program="NEARMISS", text_in=None, environment=None, **process):
        """Run the tool, or the daemon for a moment, to its end. After a change of user
        LeakSanitizer cannot work: the kernel keeps the process from looking into itself."""
        environment = {**os.environ, **self._environment(), **(environment or {})}
        if process:
            environment["LSAN_OPTIONS"] = "detect_leaks=0"
        return subprocess.run(
            [self.program(program), *arguments],
            input=text_in,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            env=environment,
            **process,
        )

    def ask(self, *words, text_in=None):
        """A subcommand that must work; what it printed. `words` end with its options."""
        done = self.run(*words, "-c", self.configuration, text_in=text_in)
        if done.returncode not in (0, 1):
            raise DaemonFault(
                f"nearmiss {' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}"
            )
        return done.stdout

    def control(self, request):
        """What the daemon answers to a line on its control socket."""
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(DEADLINE_S)
            peer.connect(self.control_socket)
            peer.sendall(request.encode() + b"\n")
            with peer.makefile("rb") as answer:
                return answer.read().decode()

    def each_row(self):
        """The audit log's rows one by one, oldest first; there may be very many."""
        command = ["audit", "list", "--format", "json", "-c", self.configuration]
        with subprocess.Popen(
            [self.program("NEARMISS"), *command],
            stdout=subprocess.PIPE,
            env={**os.environ, **self._environment()},
        ) as tool:
            for line in tool.stdout:
                yield json.loads(line)
        if tool.returncode != 0:
            raise DaemonFault(f"nearmiss audit list: {tool.returncode}")

    def rows(self, about=""):
        """The rows whose sender or recipient holds `about`, oldest first."""
        return [
            row for row in self.each_row() if about in row["sender"] + " " + row["recipient"]
        ]

    def settled_rows(self, about, count):
        """The rows once there are `count` of them and each has its message's outcome."""

        def settled():
            rows = self.rows(about)
            done = [row for row in rows if row["outcome"] not in (None, "unknown")]
            return rows if len(done) == len(rows) >= count else None

        return until(f"{count} rows with an outcome about {about}", settled)

    def kept(self, about=""):
        """The quarantine's entries whose sender or recipient holds `about`, oldest first."""
        printed = self.ask("quarantine", "list", "--format", "json")
        entries = [json.loads(line) for line in printed.splitlines()]
        return [one for one in entries if about in one["sender"] + " " + one["recipient"]]

    def status(self):
        return json.loads(self.ask("status", "--format", "json"))

    def check(self, lines):
        """What `nearmiss check` says of addresses, one an object, in order."""
        printed = self.ask("check", "--format", "json", "-", text_in="\n".join(lines) + "\n")
        return [json.loads(line) for line in printed.splitlines()]

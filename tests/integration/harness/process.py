"""
Servers as child processes. Each has a session of its own, so that an interrupt from the
keyboard reaches this program alone, and dies with this program however that ends.
"""

import ctypes
import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess

from .wait import DEADLINE_S, until

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
_CLONE_NEWNET = 0x40000000
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1


def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


class Log:
    """A text file that another process writes."""

    def __init__(self, path):
        self.path = path

    def text(self, start=0):
        try:
            with open(self.path, "rb") as file:
                file.seek(start)
                return file.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return ""

    def size(self):
        return os.path.getsize(self.path) if os.path.exists(self.path) else 0

    def until(self, *needles, start=0, deadline_s=DEADLINE_S):
        """Wait for any of `needles`; the one that was found first in their order."""

        def found():
            text = self.text(start)
            return next((needle for needle in needles if needle in text), None)

        return until(f"{' or '.join(needles)} in {self.path}", found, deadline_s)


class Server:
    """A program that serves until it is stopped. What it prints goes to `log`. Start it
    on the main thread: it dies with the thread that started it."""

    def __init__(self, name, argv, log_path, user=None, group=None, groups=None, env=None):
        self.name = name
        self.log = Log(log_path)
        self._log_start = self.log.size()
        with open(log_path, "ab") as log:
            self._child = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=user,
                group=group,
                extra_groups=groups,
                env={**os.environ, **(env or {})},
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        self.pid = self._child.pid

    @property
    def status(self):
        """Exit status, a signal's number negated, or None while it runs."""
        return self._child.poll()

    def words(self):
        """What it has printed, without what others printed to the log before it."""
        return self.log.text(self._log_start)

    def until(self, what, condition, deadline_s=DEADLINE_S):
        """Like wait.until, but fails at once, with the log, when the server ends."""

        def alive():
            value = condition()
            if not value and self.status is not None:
                raise RuntimeError(
                    f"{self.name} ended with status {self.status} before: {what}\n"
                    f"{self.words()}"
                )
            return value

        return until(f"{self.name}: {what}", alive, deadline_s)

    def send_signal(self, number):
        if self.status is None:
            os.kill(self.pid, number)

    def wait(self, deadline_s=DEADLINE_S):
        return self._child.wait(deadline_s)

    def stop(self, number=signal.SIGTERM, deadline_s=DEADLINE_S):
        """End it, by force after `deadline_s`; its exit status."""
        self.send_signal(number)
        try:
            return self.wait(deadline_s)
        except subprocess.TimeoutExpired:
            self.send_signal(signal.SIGKILL)
            self.wait()
            raise TimeoutError(f"{self.name} did not stop in {deadline_s:g} s") from None

    def kill_rest(self):
        """End what the server's own children left behind."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


class Port:
    """A free loopback port that stays ours: bound, so that the kernel gives it to nobody
    else, but not listened on, so that a server which sets SO_REUSEADDR may."""

    def __init__(self, host="127.0.0.1", number=0):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.host = host
        self._holder = socket.socket(family)
        self._holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._holder.bind((host, number))
        except OSError:
            self._holder.close()
            raise
        self.number = self._holder.getsockname()[1]

    @property
    def address(self):
        return (self.host, self.number)

    def accepts(self):
        try:
            socket.create_connection(self.address, 5).close()
            return True
        except OSError:
            return False

    def close(self):
        self._holder.close()


def enter_own_network():
    """Take this process, and all that it starts from now on, into a network of its own
    with just a loopback interface, where every port is free. Whether the kernel lets us."""
    if _libc.unshare(_CLONE_NEWNET) != 0:
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        up = struct.pack("16sH14x", b"lo", _IFF_UP)
        fcntl.ioctl(control, _SIOCSIFFLAGS, up)
    return True


def accepts(path):
    """Whether a server listens on the unix socket at `path`."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
            return True
        except OSError:
            return False


def remove_folder(path):
    """Remove `path`, though a server's last child may still be writing below it."""

    def gone():
        shutil.rmtree(path, ignore_errors=True)
        return not os.path.exists(path)

    until(f"{path} is gone", gone)

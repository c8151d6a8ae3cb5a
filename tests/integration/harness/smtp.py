"""
An SMTP client at the level of the socket: it says exactly what it is told, in the pieces
that it is told, and remembers the dialogue.
"""

import re
import socket
import struct
from typing import NamedTuple

from .wait import DEADLINE_S


class Reply(NamedTuple):
    code: int
    lines: tuple

    @property
    def text(self):
        return " ".join(self.lines)

    @property
    def status(self):
        """The enhanced status code, "5.7.1", or ""."""
        found = re.match(r"[245]\.\d+\.\d+", self.lines[0])
        return found[0] if found else ""

    @property
    def queue_id(self):
        """The id that Postfix or Sendmail took the message under, or ""."""
        found = re.search(r"queued as (\w+)|(\w+) Message accepted", self.text)
        return found[1] or found[2] if found else ""

    @property
    def reference(self):
        """What `nearmiss audit show` takes, or ""."""
        found = re.search(r"\bRef ([0-9A-Z]+)", self.text)
        return found[1] if found else ""

    def __str__(self):
        return f"{self.code} {self.text}"


class Smtp:
    """One session. `dialogue` takes (direction, line) pairs: "C", "S", or "!" for what is
    not said but done."""

    def __init__(self, address, dialogue=None):
        self.dialogue = [] if dialogue is None else dialogue
        self._socket = socket.create_connection(address, DEADLINE_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._input = self._socket.makefile("rb")
        self.greeting = self.read()

    def __enter__(self):
        return self

    def __exit__(self, fault, *_):
        self.drop() if fault else self.close()

    def send(self, data):
        """Send bytes as they are."""
        self._socket.sendall(data)

    def read(self):
        """The next reply; ConnectionError when the server hangs up."""
        lines = []
        while True:
            line = self._input.readline().decode("utf-8", "replace")
            if not line.endswith("\n"):
                raise ConnectionError(f"the server hung up after {line!r}")
            line = line.rstrip("\r\n")
            self.dialogue.append(("S", line))
            lines.append(line[4:])
            if line[3:4] != "-":
                return Reply(int(line[:3]), tuple(lines))

    def command(self, line):
        return self.pipeline([line])[0]

    def pipeline(self, lines):
        """Send all commands at once, then read all replies."""
        for line in lines:
            self.dialogue.append(("C", line))
        self.send("".join(line + "\r\n" for line in lines).encode())
        return [self.read() for _ in lines]

    def hello(self, name="client.example"):
        return self.command(f"EHLO {name}")

    def xclient(self, **attributes):
        """Speak for another client: ADDR="IPV6:2001:db8::7", LOGIN="alice"."""
        pairs = " ".join(f"{name}={value}" for name, value in attributes.items())
        reply = self.command(f"XCLIENT {pairs}")
        self.hello()
        return reply

    def mail(self, sender, options=""):
        return self.command(f"MAIL FROM:<{sender}>{options and ' ' + options}")

    def rcpt(self, recipient):
        return self.command(f"RCPT TO:<{recipient}>")

    def data(self, message):
        """DATA and, when the server wants it, the message."""
        reply = self.command("DATA")
        return self.text(message) if reply.code == 354 else reply

    def text(self, message):
        """The message and the dot that ends it."""
        self.dialogue.append(("C", f"[a message of {len(message)} bytes]"))
        lines = re.sub(rb"\r?\n", b"\r\n", message)
        stuffed = re.sub(rb"(?m)^\.", b"..", lines)
        self.send(stuffed + (b"" if stuffed.endswith(b"\r\n") else b"\r\n") + b".\r\n")
        return self.read()

    def bdat(self, chunk, last=False):
        line = f"BDAT {len(chunk)}{' LAST' if last else ''}"
        self.dialogue.append(("C", f"{line} [and so many bytes]"))
        self.send(line.encode() + b"\r\n" + chunk)
        return self.read()

    def drop(self):
        """Break the connection off without a word."""
        self.dialogue.append(("!", "the client breaks off"))
        reset = struct.pack("ii", 1, 0)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        self._close()

    def close(self):
        if self._socket.fileno() < 0:
            return
        try:
            self.command("QUIT")
        except OSError:
            pass
        self._close()

    def _close(self):
        self._input.close()
        self._socket.close()

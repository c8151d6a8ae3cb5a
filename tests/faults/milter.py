"""
A mail server's side of the milter protocol, as much as it takes to send envelopes: and a
record of what was answered, to be held against the audit log.
"""

import socket
import struct
import threading
import time

TIMEOUT_S = 60

# The filter says with these which steps it does not want, or does not answer.
STEPS = {  # command: (not wanted, not answered)
    b"C": (0x1, 0x1000),
    b"H": (0x2, 0x2000),
    b"M": (0x4, 0x4000),
    b"R": (0x8, 0x8000),
    b"L": (0x20, 0x80),
    b"N": (0x40, 0x40000),
    b"T": (0x200, 0x10000),
}


class Broken(Exception):
    """The filter went away, and what was asked last has no answer."""


class Session:
    """One connection to a filter."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(TIMEOUT_S)
        try:
            self.socket.connect(path)
            self._send(b"O", struct.pack(">III", 6, 0x1FF, 0x1FFFFF))
            kind, data = self._receive()
        except OSError as error:
            raise Broken(str(error)) from error
        if kind != b"O":
            raise Broken(f"no milter: {kind!r}")
        self.steps = struct.unpack(">III", data[:12])[2]
        self.step(b"C", b"client.example\x004\x00\x19192.0.2.7\x00")

    def _send(self, command, data=b""):
        self.socket.sendall(struct.pack(">I", len(data) + 1) + command + data)

    def _read(self, count):
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise Broken("closed")
            data += part
        return data

    def _receive(self):
        length = struct.unpack(">I", self._read(4))[0]
        packet = self._read(length)
        return packet[:1], packet[1:]

    def _answer(self):
        """The reply that settles a step: a code of three digits, or 0 to go on."""
        while True:
            kind, data = self._receive()
            if kind == b"y":
                return int(data[:3])
            if kind == b"t":
                return 451
            if kind == b"r":
                return 550
            if kind in b"cads":
                return 0
            # what stands in between changes the message: headers, quarantine, progress

    def step(self, command, data=b""):
        not_wanted, not_answered = STEPS.get(command, (0, 0))
        if self.steps & not_wanted:
            return 0
        try:
            self._send(command, data)
            return 0 if self.steps & not_answered else self._answer()
        except OSError as error:
            raise Broken(str(error)) from error

    def close(self):
        self.socket.close()


class Answers:
    """What the clients were told: the recipients that were refused for good, and those of
    messages that went on. Every one of them must have its row."""

    def __init__(self):
        self.lock = threading.Lock()
        self.refused = {}  # recipient: when
        self.passed = {}
        self.put_off = 0
        self.broken = 0

    def since(self, moment):
        def later(answers):
            return {who for who, when in answers.items() if when >= moment}

        with self.lock:
            return later(self.refused), later(self.passed)

    def counts(self):
        with self.lock:
            return len(self.refused), len(self.passed), self.put_off


class Client(threading.Thread):
    """Sends messages until it is told to stop, over connections that may break. Each has a
    good recipient and a near miss, named so that no other has the same."""

    def __init__(self, path, name, answers):
        super().__init__(daemon=True)
        self.path, self.tag, self.answers = path, name, answers
        self.stopped = threading.Event()

    def run(self):
        number = 0
        session = None
        while not self.stopped.is_set():
            number += 1
            try:
                session = session or Session(self.path)
                if not self._send(session, f"{self.tag}-{number}"):
                    # A session with many refusals is refused whole messages.
                    session.close()
                    session = None
            except Broken:
                with self.answers.lock:
                    self.answers.broken += 1
                if session is not None:
                    session.close()
                session = None
                time.sleep(0.01)
        if session is not None:
            session.close()

    def _send(self, session, name):
        """Whether the message went on."""
        good, bad = f"good-{name}@army.mil", f"bad-{name}@army.ml"
        if session.step(b"M", b"<alice@example.org>\0") != 0:
            return False
        for recipient in (bad, good):
            code = session.step(b"R", f"<{recipient}>\0".encode())
            if code == 550:
                with self.answers.lock:
                    self.answers.refused[recipient] = time.monotonic()
            elif code != 0:
                with self.answers.lock:
                    self.answers.put_off += 1
        session.step(b"T")
        session.step(b"L", b"Subject\0fault\0")
        session.step(b"N")
        code = session.step(b"E")
        with self.answers.lock:
            if code == 0:
                self.answers.passed[good] = time.monotonic()
            else:
                self.answers.put_off += 1
        return code == 0

"""
smtp-sink, which takes every message and writes it to a file with its envelope.

A file is complete before smtp-sink answers the end of the message, so that what Postfix
calls sent can be read here.
"""

import os
import pwd
import re
from dataclasses import dataclass, field

from .process import Port, Server

_USER = "nobody"

# smtp-sink of Postfix 3.7 does not offer SMTPUTF8, and Postfix returns mail that needs it.
# The name that it is told to use is printed at the head of its EHLO response, where a
# second line makes the offer; Postfix takes the greeting's spare line for the response's
# first.
_NAME_THAT_OFFERS_SMTPUTF8 = "sink\r\n250-SMTPUTF8"


@dataclass
class Delivery:
    """A message as it arrived, with its envelope."""

    sender: str = ""
    recipients: list = field(default_factory=list)
    headers: list = field(default_factory=list)  # (name, value), in order
    body: str = ""
    raw: bytes = b""  # the message behind the sink's own Received, byte for byte
    arguments: list = field(default_factory=list)  # of MAIL, then of each RCPT, as given

    def header(self, name):
        """The values of all headers called `name`."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


def _xtext(text):
    """RFC 3461 xtext, as an ORCPT parameter carries it, or RFC 6533's for UTF-8."""
    raw = re.sub(
        rb"\+([0-9A-F]{2})", lambda match: bytes([int(match[1], 16)]), text.encode()
    )
    text = raw.decode("utf-8", "replace")
    return re.sub(r"\\x\{([0-9A-Fa-f]+)\}", lambda match: chr(int(match[1], 16)), text)


def _path(argument):
    """The address of a MAIL or RCPT argument. smtp-sink prints `?` for each byte of a
    UTF-8 address, so the original recipient speaks for such a one."""
    address = re.match(r"<(.*?)>", argument)[1]
    original = re.search(r"ORCPT=\S+?;(\S+)", argument)
    return _xtext(original[1]) if "??" in address and original else address


def parse(text):
    """The Delivery in one of smtp-sink's files."""
    delivery = Delivery()
    head, _, rest = text.partition("\nReceived: from ")
    for line in head.split("\n"):
        name, _, value = line.partition(": ")
        if name in ("X-Mail-Args", "X-Rcpt-Args"):
            delivery.arguments.append(value)
        if name == "X-Mail-Args":
            delivery.sender = _path(value)
        elif name == "X-Rcpt-Args":
            delivery.recipients.append(_path(value))
    # What follows smtp-sink's own Received, which ends with its date's line.
    message = re.split(r"\n\t[^\n]*\([A-Z]+\)\n", rest, maxsplit=1)[1]
    headers, _, delivery.body = message.partition("\n\n")
    for line in re.sub(r"\n[ \t]+", " ", headers).split("\n"):
        name, _, value = line.partition(":")
        delivery.headers.append((name, value.strip()))
    return delivery


class Sink:
    def __init__(self, folder):
        self.folder = folder
        self._dumps = os.path.join(folder, "messages")
        self.port = Port()
        self.server = None

    def start(self):
        user = pwd.getpwnam(_USER)
        os.makedirs(self._dumps)
        os.chown(self._dumps, user.pw_uid, user.pw_gid)
        self.server = Server(
            "smtp-sink",
            [
                "smtp-sink",
                *("-h", _NAME_THAT_OFFERS_SMTPUTF8),
                *("-m", "200"),
                *("-d", os.path.join(self._dumps, "m.")),
                f"{self.port.host}:{self.port.number}",
                "200",
            ],
            os.path.join(self.folder, "sink.log"),
            user=user.pw_uid,
            group=user.pw_gid,
            groups=[],
        )
        self.server.until("accepts connections", self.port.accepts)

    def deliveries(self, about=""):
        """All messages so far whose envelope or headers hold the text `about`."""
        found = []
        for name in sorted(os.listdir(self._dumps)):
            with open(os.path.join(self._dumps, name), "rb") as file:
                content = file.read()
            text = content.decode("utf-8", "replace")
            if about in text:
                found.append(parse(text))
                rest = content.partition(b"\nReceived: from ")[2]
                found[-1].raw = re.split(rb"\n\t[^\n]*\([A-Z]+\)\n", rest, maxsplit=1)[1]
        return found

    def close(self):
        if self.server:
            self.server.stop()
        self.port.close()

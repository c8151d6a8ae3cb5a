"""chain_model.py MAKE_LOG NEARMISS: compute the chain of an audit log by its description.

What src/audit/chain.h says, in another language and straight from the tables: so that
whoever has but the description can verify a log, and the program cannot agree with itself
alone.
"""

import hashlib
import os
import sqlite3
import struct
import subprocess
import sys
import tempfile


def blake(data):
    return hashlib.blake2b(data, digest_size=32).digest()


def raw(value):
    if value is None:
        return b""
    return value if isinstance(value, bytes) else value.encode()


class Log:
    def __init__(self, path):
        self.db = sqlite3.connect(path)
        self.db.row_factory = sqlite3.Row
        self.db.text_factory = lambda data: data.decode()

    def one(self, sql, *parameters):
        return self.db.execute(sql, parameters).fetchone()

    def text(self, number):
        if number is None:
            return bytes(32)
        return blake(raw(self.one("SELECT value FROM text WHERE id = ?", number)[0]))

    def config(self, number):
        if number is None:
            return bytes(32)
        return blake(raw(self.one("SELECT hash FROM config WHERE id = ?", number)[0]))

    def parts(self, event):
        """Both commitments, and what kinds have beside. Nothing is erased here."""
        if event["kind"] == 1:
            sender, recipient = event["salt"][:16], event["salt"][16:]
            texts = b"".join(self.text(event[c]) for c in ("sender", "client", "auth"))
            return (blake(sender + texts + raw(event["reply"])),
                    blake(recipient + raw(event["recipient"])), b"")
        if event["kind"] == 3:
            act = self.one("SELECT * FROM act WHERE sequence = ?", event["sequence"])
            sender, recipient = event["salt"][:16], event["salt"][16:]
            return (blake(sender + blake(raw(act["actor"])) + raw(act["reason"])),
                    blake(recipient + raw(act["subject"])),
                    struct.pack("<q", act["verb"]) + raw(act["decision"]).ljust(16, b"\0"))
        if event["kind"] == 6:
            rotation = self.one("SELECT * FROM rotation WHERE sequence = ?",
                                event["sequence"])
            return bytes(32), bytes(32), rotation["old_key"] + rotation["new_key"]
        return bytes(32), bytes(32), b""

    def encode(self, event):
        out = struct.pack("<qBq", event["sequence"], event["kind"], event["time_us"])
        for name in ("id", "transaction_id"):
            data = raw(event[name])
            out += bytes([len(data)]) + data.ljust(16, b"\0")
        for name in ("gateway", "domain", "target", "rule"):
            out += self.text(event[name])
        out += self.config(event["config"])
        for name in ("match", "technique", "action", "mode", "outcome"):
            out += bytes([event[name] or 0])
        confidence = event["confidence"]
        out += b"\xff" * 8 if confidence is None else struct.pack("<d", confidence)
        queue_id = raw(event["queue_id"])
        out += struct.pack("<H", len(queue_id)) + queue_id
        return out + b"".join(self.parts(event))

    def check(self):
        name, first = self.one("SELECT log, first FROM chain")
        before = blake(b"nearmiss audit log\0" + name + struct.pack("<q", first))
        kinds = set()
        for event in self.db.execute("SELECT * FROM event ORDER BY sequence"):
            before = blake(before + self.encode(event))
            if before != event["hash"]:
                sys.exit(f"event {event['sequence']} is not as the description says")
            kinds.add(event["kind"])
        if not {1, 2, 3, 4, 6} <= kinds:
            sys.exit(f"the log has only events of the kinds {kinds}")


def main():
    make_log, nearmiss = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "audit.db")
        subprocess.run([make_log, path], check=True)
        config = os.path.join(folder, "nearmiss.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write('protect = { domains = [ "army.mil" ]; };\n'
                       f'audit = {{ database = "{path}"; }};\n'
                       f'control = {{ socket = "unix:{folder}/control"; }};\n')
        subprocess.run([nearmiss, "audit", "rotate-key", "-c", config], check=True,
                       stdout=subprocess.DEVNULL)
        Log(path).check()
        subprocess.run([nearmiss, "audit", "verify", "--database", path], check=True)


main()

"""export.py NEARMISS MAKE_LOG UNIT PAGE: `audit export` loses nothing, wherever it is killed.

The log grows while an export follows it, is killed and begun again, over and over. In the
end every event stands in its output, in order but for those that came twice. The same with
the very command of the systemd UNIT. And the fields of every kind of event are those that
the PAGE has a name for in ECS.
"""

import atexit
import json
import os
import random
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time

TIMEOUT_S = 120
ROUNDS = 20
SAVED_EVERY = 1000


def make_log(program, path):
    subprocess.run([program, path], check=True, timeout=TIMEOUT_S)


class Export:
    """One export that appends to a file."""

    def __init__(self, nearmiss, folder, *more):
        with open(os.path.join(folder, "out"), "ab") as out:
            self.process = subprocess.Popen(
                [nearmiss, "audit", "export", "--database",
                 os.path.join(folder, "audit.db"), "--cursor",
                 os.path.join(folder, "cursor"), *more], stdout=out)

    def kill(self):
        self.process.kill()
        self.process.wait(TIMEOUT_S)

    def wait(self):
        assert self.process.wait(TIMEOUT_S) == 0


class Unit:
    """The command of the unit, as systemd would run it; only where the program and the log
    lie is another matter here."""

    def __init__(self, unit, nearmiss, folder):
        state = os.path.join(folder, "state")
        os.makedirs(state, mode=0o700, exist_ok=True)
        with open(unit, encoding="utf-8") as file:
            lines = re.findall(r"^ExecStart=(.*)$", file.read(), re.M)
        assert len(lines) == 1, lines
        words = shlex.split(lines[0].replace("${STATE_DIRECTORY}", state))
        assert words[0].endswith("/bin/nearmiss") and "--follow" in words, words
        words[0] = nearmiss
        words[words.index("/var/lib/nearmiss/audit.db")] = os.path.join(folder, "audit.db")
        with open(os.path.join(folder, "out"), "ab") as out:
            self.process = subprocess.Popen(words, stdout=out, stdin=subprocess.DEVNULL,
                                            env={"STATE_DIRECTORY": state})
        atexit.register(self.process.kill)

    def end(self, how):
        self.process.send_signal(how)
        self.process.wait(TIMEOUT_S)


def read_events(folder):
    """The events of the output, and how many lines were cut off."""
    events, cut = [], 0
    with open(os.path.join(folder, "out"), encoding="utf-8") as file:
        for line in file:
            try:
                events.append(json.loads(line))
            except json.JSONDecodeError:
                cut += 1
    return events, cut


def mail_of(events):
    """How many are about mail: checkpoints come when the log's writer sees fit."""
    return sum(event["event"] not in ("checkpoint", "seal") for event in events)


def check_events(events, sequences):
    """All there are, in order; what comes again came not long ago."""
    places = {sequence: place for place, sequence in enumerate(sequences)}
    seen = -1
    for event in events:
        place = places[event["sequence"]]
        assert place <= seen + 1, f"{event['sequence']} came too early"
        assert place > seen - SAVED_EVERY, f"{event['sequence']} came again, late"
        seen = max(seen, place)
    assert seen == len(sequences) - 1, (seen, len(sequences))


def all_sequences(nearmiss, folder):
    done = subprocess.run(
        [nearmiss, "audit", "export", "--database", os.path.join(folder, "audit.db")],
        capture_output=True, check=True, timeout=TIMEOUT_S)
    return [json.loads(line)["sequence"] for line in done.stdout.splitlines()]


def survives_kills(nearmiss, writer, folder):
    chance = random.Random(5)
    size = os.path.join(folder, "out")
    for _ in range(ROUNDS):
        export = Export(nearmiss, folder, "--follow")
        for _ in range(chance.randrange(3)):
            make_log(writer, os.path.join(folder, "audit.db"))
        # Sometimes at once, sometimes when it has written something more.
        if chance.randrange(2):
            before = os.path.getsize(size)
            make_log(writer, os.path.join(folder, "audit.db"))
            while os.path.getsize(size) == before:
                time.sleep(0.001)
        export.kill()
    Export(nearmiss, folder).wait()
    events, cut = read_events(folder)
    assert cut <= ROUNDS, cut
    check_events(events, all_sequences(nearmiss, folder))
    assert {event["event"] for event in events} == {
        "decision", "outcome", "act", "checkpoint"}


def unit_survives_kills(unit, nearmiss, writer, folder):
    """A kill at any moment, beside a writer; and at last it catches up with the log."""
    chance = random.Random(7)
    for _ in range(ROUNDS):
        export = Unit(unit, nearmiss, folder)
        lines = read_lines(folder) + chance.randrange(3)  # with which it is killed
        make_log(writer, os.path.join(folder, "audit.db"))
        while read_lines(folder) < lines:
            time.sleep(0.001)
        export.end(signal.SIGKILL)
    expected = all_sequences(nearmiss, folder)
    export = Unit(unit, nearmiss, folder)
    while max((event["sequence"] for event in read_events(folder)[0]), default=0) < expected[-1]:
        time.sleep(0.001)
    export.end(signal.SIGTERM)
    events, cut = read_events(folder)
    assert cut <= ROUNDS, cut
    check_events(events, expected)


def read_lines(folder):
    with open(os.path.join(folder, "out"), "rb") as file:
        return file.read().count(b"\n")


def tells_what_was_cut_off(nearmiss, folder):
    """An export that comes too late for some events says which, and goes on."""
    config = os.path.join(folder, "nearmiss.conf")
    with open(config, "w", encoding="utf-8") as file:
        file.write('protect = { domains = [ "army.mil" ]; };\n'
                   f'audit = {{ database = "{folder}/audit.db"; }};\n'
                   f'control = {{ socket = "unix:{folder}/control"; }};\n')
    exported = all_sequences(nearmiss, folder)
    with open(os.path.join(folder, "cursor"), "w", encoding="utf-8") as file:
        file.write(f"nearmiss-cursor 1 {exported[2]} 0 end\n")
    for words in (["prune", "--before", "2026-03-01T12:03:30Z"], ["rotate-key"]):
        subprocess.run([nearmiss, "audit", *words, "-c", config], check=True,
                       stdout=subprocess.DEVNULL, timeout=TIMEOUT_S)
    left = all_sequences(nearmiss, folder)
    assert left[0] > exported[3], left
    done = subprocess.run(
        [nearmiss, "audit", "export", "--database", os.path.join(folder, "audit.db"),
         "--cursor", os.path.join(folder, "cursor")],
        capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
    assert [json.loads(line)["sequence"] for line in done.stdout.splitlines()] == left
    assert f"events {exported[2] + 1} to {left[0] - 1} were cut off" in done.stderr, done


# ---- fields ----------------------------------------------------------------------------

def documented_fields(page):
    """The rows `| kinds | fields | ECS |` of the page: {kind: {field}}."""
    with open(page, encoding="utf-8") as file:
        rows = re.findall(r"^\| ([a-z, ]+) \| (`.*?) \| (.*) \|$", file.read(), re.M)
    found = {}
    for kinds, fields, ecs in rows:
        names = re.findall(r"`(\w+)`", fields.split(":")[0])
        assert names and "`" in ecs, (kinds, fields, ecs)
        for kind in kinds.split(", "):
            found.setdefault(kind, set()).update(names)
    common = found.pop("all")
    return {kind: names | common for kind, names in found.items()}


def fields_are_documented(nearmiss, folder, page):
    """Each field that comes has its name in ECS, and each that has one comes."""
    done = subprocess.run(
        [nearmiss, "audit", "export", "--database", os.path.join(folder, "audit.db")],
        capture_output=True, check=True, timeout=TIMEOUT_S)
    found = {}
    for line in done.stdout.splitlines():
        event = json.loads(line)
        found.setdefault(event["event"], set()).update(event)
    documented = documented_fields(page)
    found["decision"].add("sender_hex")  # of a sender that is no UTF-8; here one recipient is
    for kind in sorted(found.keys() | documented.keys()):
        assert found.get(kind) == documented.get(kind), (
            kind, found.get(kind, set()) ^ documented.get(kind, set()))


def goes_on_where_it_ended(nearmiss, writer, folder):
    os.unlink(os.path.join(folder, "out"))
    make_log(writer, os.path.join(folder, "audit.db"))
    Export(nearmiss, folder).wait()
    Export(nearmiss, folder).wait()
    events, cut = read_events(folder)
    assert mail_of(events) == 17 and cut == 0, (len(events), cut)


def begins_a_new_line(nearmiss, writer, folder):
    out = os.path.join(folder, "out")
    with open(out, "ab") as file:
        file.write(b'{"event":"dec')
    make_log(writer, os.path.join(folder, "audit.db"))
    Export(nearmiss, folder).wait()
    events, cut = read_events(folder)
    assert mail_of(events) == 2 * 17 and cut == 1, (len(events), cut)


def proves_the_log(nearmiss, folder):
    """What was exported is a copy of checkpoints that the log can be held against."""
    done = subprocess.run(
        [nearmiss, "audit", "verify", "--database", os.path.join(folder, "audit.db"),
         "--checkpoint", os.path.join(folder, "out"), "--format", "json"],
        capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    verdict = json.loads(done.stdout)
    assert done.returncode == 0 and verdict["checkpoints"] > 0, done


def refuses_the_cursor_of_another_log(nearmiss, writer, folder):
    for name in ("audit.db", "audit.db-wal", "audit.db-shm", "audit.db-key",
                 "audit.db-key.pub"):
        path = os.path.join(folder, name)
        if os.path.exists(path):
            os.unlink(path)
    make_log(writer, os.path.join(folder, "audit.db"))
    done = subprocess.run(
        [nearmiss, "audit", "export", "--database", os.path.join(folder, "audit.db"),
         "--cursor", os.path.join(folder, "cursor")],
        capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 4 and "another log" in done.stderr, done


def main():
    nearmiss, writer, unit, page = (os.path.abspath(path) for path in sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="nm-export-") as folder:
        make_log(writer, os.path.join(folder, "audit.db"))
        survives_kills(nearmiss, writer, folder)
        goes_on_where_it_ended(nearmiss, writer, folder)
        begins_a_new_line(nearmiss, writer, folder)
        proves_the_log(nearmiss, folder)
        refuses_the_cursor_of_another_log(nearmiss, writer, folder)
    with tempfile.TemporaryDirectory(prefix="nm-export-") as folder:
        make_log(writer, os.path.join(folder, "audit.db"))
        unit_survives_kills(unit, nearmiss, writer, folder)
    with tempfile.TemporaryDirectory(prefix="nm-export-") as folder:
        make_log(writer, os.path.join(folder, "audit.db"))
        tells_what_was_cut_off(nearmiss, folder)
        fields_are_documented(nearmiss, folder, page)
    print("8 passed, 0 failed")


main()

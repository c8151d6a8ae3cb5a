"""export.py NEARMISS MAKE_LOG: `audit export` loses nothing, wherever it is killed.

The log grows while an export follows it, is killed and begun again, over and over. In the
end every event stands in its output, in order but for those that came twice.
"""

import json
import os
import random
import subprocess
import sys
import tempfile

TIMEOUT_S = 120
ROUNDS = 25
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
                os.sched_yield()
        export.kill()
    Export(nearmiss, folder).wait()
    events, cut = read_events(folder)
    assert cut <= ROUNDS, cut
    check_events(events, all_sequences(nearmiss, folder))
    assert {event["event"] for event in events} == {
        "decision", "outcome", "act", "checkpoint"}


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
    nearmiss, writer = (os.path.abspath(program) for program in sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="nm-export-") as folder:
        make_log(writer, os.path.join(folder, "audit.db"))
        survives_kills(nearmiss, writer, folder)
        goes_on_where_it_ended(nearmiss, writer, folder)
        begins_a_new_line(nearmiss, writer, folder)
        proves_the_log(nearmiss, folder)
        refuses_the_cursor_of_another_log(nearmiss, writer, folder)
    print("5 passed, 0 failed")


main()

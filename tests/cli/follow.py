"""follow.py NEARMISS MAKE_LOG: `audit list --follow` shows what is written while it runs,
and ends when nobody reads it any more."""

import json
import os
import subprocess
import sys
import tempfile

TIMEOUT_S = 120


def make_log(program, path):
    subprocess.run([program, path], check=True, timeout=TIMEOUT_S)


class Follower:
    """The tool, following; killed at the end if it still runs."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def lines(self, count):
        return [self.process.stdout.readline().decode() for _ in range(count)]

    def __exit__(self, *_):
        self.process.kill()
        self.process.stdout.close()
        self.process.wait(TIMEOUT_S)


def follows_in_json(nearmiss, writer, path):
    arguments = (nearmiss, "audit", "list", "--database", path, "--follow")
    with Follower(*arguments, "--format", "json", "--last", "2") as follower:
        first = [json.loads(line)["id"] for line in follower.lines(2)]
        make_log(writer, path)
        later = [json.loads(line) for line in follower.lines(8)]
    assert later[0]["recipient"] == "bob@army.ml", later[0]
    assert [row["id"] for row in later[-2:]] == first, (first, later)


def follows_a_filter_in_text(nearmiss, writer, path):
    arguments = (nearmiss, "audit", "list", "--database", path, "--follow")
    with Follower(*arguments, "--target", "army.mil", "--last", "1") as follower:
        title, row = follower.lines(2)
        assert title.startswith("TIME"), title
        make_log(writer, path)
        later = follower.lines(2)
    assert "bob@army.ml" in later[0] and "eve@armymil.com" in later[1], later
    assert row.split() == later[1].split(), (row, later)


def ends_with_its_reader(nearmiss, path):
    follower = subprocess.Popen(
        [nearmiss, "audit", "list", "--database", path, "--follow"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert follower.stdout.readline().startswith(b"TIME")
    follower.stdout.close()
    follower.wait(TIMEOUT_S)


def ends_when_the_log_is_replaced(nearmiss, writer, path):
    """Who follows a log that nobody writes any more would wait for ever."""
    for words in (["list"], ["export", "--cursor", path + "-cursor"]):
        follower = subprocess.Popen(
            [nearmiss, "audit", *words, "--database", path, "--follow"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert follower.stdout.readline()
        for tail in ("", "-wal", "-shm"):
            os.rename(path + tail, path + ".old" + tail)
        make_log(writer, path)
        _, complaint = follower.communicate(timeout=TIMEOUT_S)
        assert follower.returncode == 4, follower.returncode
        assert b"replaced or removed while it was read" in complaint, complaint


def main():
    nearmiss, writer = (os.path.abspath(program) for program in sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "audit.db")
        make_log(writer, path)
        follows_in_json(nearmiss, writer, path)
        follows_a_filter_in_text(nearmiss, writer, path)
        ends_with_its_reader(nearmiss, path)
        ends_when_the_log_is_replaced(nearmiss, writer, path)
    print("4 passed, 0 failed")


main()

"""transcript.py TRANSCRIPT NEARMISS MAKE_LOG: play a transcript and compare.

A transcript is what a terminal would show:

    # a remark
    $ nearmiss check bob@army.ml
    bob@army.ml: near miss
      confidence  <...>
    ! a line on standard error
    [1]

Each `$` line is run by bash in a folder of its own, where the files of `data/` and an
audit log, audit.db, are; `nearmiss` is the built tool. Behind it stand the lines of
standard output, those of standard error behind `! `, and the exit status in brackets
unless it is 0. `<...>` stands for any text within a line; a line `<...>` alone for any
number of lines.

With --write, the transcript is written anew from what came, to be read by a person.
"""

import difflib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ANY = "<...>"
TIMEOUT_S = 120


def steps(text):
    """The remarks and commands of a transcript: [line, [expected line, ...]]."""
    found = []
    for line in text.splitlines():
        if line.startswith("$ ") or line.startswith("#"):
            found.append([line, []])
        elif found and found[-1][0].startswith("$ "):
            found[-1][1].append(line)
    for step in found:
        while step[1] and step[1][-1] == "":
            step[1].pop()
    return found


def run(command, folder, environment):
    """What the command shows, as lines of a transcript."""
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=environment,
                          stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=TIMEOUT_S, check=False)
    lines = done.stdout.decode("utf-8", "backslashreplace").split("\n")
    if lines[-1] == "":
        lines.pop()
    lines += [("! " + line).rstrip()
              for line in done.stderr.decode("utf-8", "backslashreplace").splitlines()]
    if done.returncode != 0:
        lines.append(f"[{done.returncode}]")
    return lines


def line_fits(expected, got):
    pattern = ".*".join(re.escape(part) for part in expected.split(ANY))
    return re.fullmatch(pattern, got) is not None


def fits(expected, got):
    """Whether the lines fit; `<...>` alone takes as few lines as will do."""
    if not expected:
        return not got
    if expected[0] == ANY:
        return any(fits(expected[1:], got[skip:]) for skip in range(len(got) + 1))
    return bool(got) and line_fits(expected[0], got[0]) and fits(expected[1:], got[1:])


def prepare(folder, data, make_log):
    shutil.copytree(data, folder, dirs_exist_ok=True)
    subprocess.run([os.path.abspath(make_log), folder + "/audit.db"], check=True, timeout=TIMEOUT_S)


def surroundings(folder, nearmiss):
    binaries = folder + "/bin"
    os.mkdir(binaries)
    os.symlink(os.path.abspath(nearmiss), binaries + "/nearmiss")
    kept = {key: value for key, value in os.environ.items()
            if key.endswith("_OPTIONS")}
    return kept | {"PATH": binaries + ":/usr/bin:/bin", "LC_ALL": "C.UTF-8",
                   "TERM": "dumb"}


def write(path, played):
    blocks = []
    for line, expected, got in played:
        kept = expected if fits(expected, got) else keep_wildcards(expected, got)
        blocks.append("\n".join([line] + kept))
        if line.startswith("$ "):
            blocks.append("")
    path.write_text("\n".join(blocks).rstrip("\n") + "\n", encoding="utf-8")


def keep_wildcards(expected, got):
    """The lines that came, each as a line that was expected with a `<...>` where one fits."""
    loose = [line for line in expected if ANY in line and line != ANY]
    return [next((line for line in loose if line_fits(line, came)), came)
            for came in got]


def report(line, expected, got):
    print("differs:", line)
    for row in difflib.unified_diff(expected, got, "expected", "came", lineterm=""):
        print("   ", row)


def main(arguments):
    writing = "--write" in arguments
    path, nearmiss, make_log = [argument for argument in arguments
                                if argument != "--write"]
    path = pathlib.Path(path)
    played = []
    failures = 0
    with tempfile.TemporaryDirectory(prefix="nm-cli-") as folder:
        prepare(folder, path.parent / "data", make_log)
        environment = surroundings(folder, nearmiss)
        for line, expected in steps(path.read_text(encoding="utf-8")):
            got = []
            if line.startswith("$ "):
                got = run(line[2:], folder, environment)
                if not fits(expected, got):
                    failures += 1
                    if not writing:
                        report(line, expected, got)
            played.append((line, expected, got))
    commands = sum(1 for line, _, _ in played if line.startswith("$ "))
    if writing:
        write(path, played)
    print(f"{path.name}: {commands} commands, {failures} differ")
    if failures and not writing:
        print("To take what came, and then read it:", sys.executable, __file__,
              "--write", path, nearmiss, make_log)
    return 0 if commands > 0 and (failures == 0 or writing) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""shown.py SOURCE NEARMISS: what the documents show is so.

Of README.md and docs/operator.md: a block ```conf is a configuration, or a part of one, that
is fine, and without warnings; a block ```console is a transcript (transcript.py), with the
shipped configuration filled in as the README says; a block ```sql runs on an audit log. The
examples in conf/nearmiss.conf and in nearmiss.conf(5) are fine, too. Links lead somewhere.
"""

import os
import pathlib
import re
import sqlite3
import subprocess
import sys
import tempfile
import unittest

import transcript

SOURCE, NEARMISS, MAKE_LOG = (pathlib.Path(word).resolve() for word in sys.argv[1:4])
DOCUMENTS = [SOURCE / "README.md", SOURCE / "docs" / "operator.md"]
PROTECT = 'protect = { own = [ "example.org" ]; domains = [ "partner.example" ]; };\n'


def blocks(language):
    """Each block of the documents in that language, without its indentation, and where."""
    pattern = re.compile(rf"(?m)^( *)```{language}\n((?:.*\n)*?)\1```$")
    for document in DOCUMENTS:
        for found in pattern.finditer(document.read_text(encoding="utf-8")):
            text = re.sub(rf"(?m)^{found[1]}", "", found[2])
            yield f"{document.name}: {text.splitlines()[0]}", text


def shipped():
    """conf/nearmiss.conf, with the domains filled in."""
    text = (SOURCE / "conf" / "nearmiss.conf").read_text(encoding="utf-8")
    for key, value in (("own", '"example.org"'), ("domains", '"army.mil", "us.army.mil", "partner.example"')):
        text, count = re.subn(rf"(?m)^(    {key} = )\[\];", rf"\1[ {value} ];", text, count=1)
        assert count == 1, key
    return text


class ShownCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="nm-shown-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "partners.txt").write_text("acme.example 100\n", encoding="utf-8")
        self.configuration = self.folder / "nearmiss.conf"

    def assert_fine(self, text):
        self.configuration.write_text(text, encoding="utf-8")
        done = subprocess.run([NEARMISS, "config", "test", "-c", self.configuration],
                              capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""), text)

    def test_configurations(self):
        for where, text in blocks("conf"):
            with self.subTest(where):
                self.assert_fine(text if "protect = " in text else PROTECT + text)

    def test_the_shipped_configuration(self):
        self.assert_fine(shipped())

    def test_the_examples_of_the_shipped_configuration(self):
        text = shipped()
        examples = re.findall(r"(?m)^#     (\{(?:.*\n#)*?.*\})$", text)
        self.assertEqual(len(examples), 4)
        rules = "".join(f"{re.sub(r'(?m)^#', '', rule)},\n" for rule in examples)
        self.assert_fine(text.replace("rules = (\n", "rules = (\n" + rules))
        self.assert_fine(re.sub(r"(?m)^    # (networks|authenticated) =", r"    \1 =", text))
        values = re.sub(r"(?m)= \[\]; +# (\[.*\])$", r"= \1;", text)
        self.assertNotEqual(values, text)
        self.assert_fine(values)

    def test_the_names_of_the_keyboards(self):
        """The option's help lists those that the shipped table has."""
        table = (SOURCE / "conf" / "tables" / "keyboards.txt").read_text(encoding="utf-8")
        names = ", ".join(re.findall(r"(?m)^layout (\S+)$", table))
        done = subprocess.run([NEARMISS, "config", "defaults"], capture_output=True, text=True,
                              check=True)
        self.assertIn(f": {names}\n", done.stdout)

    def test_the_example_of_the_manual(self):
        manual = (SOURCE / "docs" / "nearmiss.conf.5.in").read_text(encoding="utf-8")
        example = re.search(r"(?s)\.Sh EXAMPLES\n\.Bd -literal\n(.*?)\.Ed", manual)
        self.assert_fine(example[1])

    def environment(self):
        """Where `nearmiss` has the shipped configuration."""
        self.configuration.write_text(shipped(), encoding="utf-8")
        binaries = self.folder / "bin"
        binaries.mkdir()
        tool = binaries / "nearmiss"
        tool.write_text(f'#!/bin/sh\nexec {NEARMISS} "$@" -c {self.configuration}\n')
        tool.chmod(0o755)
        kept = {key: os.environ[key] for key in os.environ if key.endswith("_OPTIONS")}
        return kept | {"PATH": f"{binaries}:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}

    def test_transcripts(self):
        environment = self.environment()
        played = 0
        for where, text in blocks("console"):
            for line, expected in transcript.steps(text):
                got = transcript.run(line[2:], self.folder, environment)
                if re.fullmatch(r"\[\d+\]", got[-1]):
                    got.pop()  # not shown to readers
                expected = [re.sub(r"(confidence +)[\d.]+", r"\1<...>", row) for row in expected]
                with self.subTest(where, command=line):
                    self.assertTrue(transcript.fits(expected, got), "\n".join(got))
                played += 1
        self.assertGreater(played, 0)

    def test_the_table_of_slips(self):
        """Each example of the README's table is a near miss; what it is for is not."""
        text = DOCUMENTS[0].read_text(encoding="utf-8")
        table = re.search(r"\| slip \| example \|\n\|---\|---\|\n((?:\|.*\n)+)", text)[1]
        environment = self.environment()
        for row in table.splitlines():
            for word, meant in re.findall(r"(for )?`([^`]+)`", row.split("|")[2]):
                got = transcript.run(f"nearmiss check {meant}", self.folder, environment)
                with self.subTest(meant):
                    if word:
                        self.assertNotIn("near miss", got[0])
                    elif len(meant) > 1:
                        self.assertIn("near miss", got[0])

    def test_queries(self):
        log = self.folder / "audit.db"
        subprocess.run([MAKE_LOG, log], check=True)
        connection = sqlite3.connect(f"file:{log}?mode=ro", uri=True)
        self.addCleanup(connection.close)
        rows = [connection.execute(text).fetchall() for _, text in blocks("sql")]
        self.assertTrue(rows and all(rows), rows)

    def test_links(self):
        anchors = {}
        for document in [*DOCUMENTS, *(SOURCE / "docs").glob("*.md")]:
            heads = re.findall(r"(?m)^#+ (.*)$", document.read_text(encoding="utf-8"))
            anchors[document.resolve()] = {
                re.sub(r"[^\w\- ]", "", head).replace(" ", "-").lower() for head in heads}
        for document in DOCUMENTS:
            for link in re.findall(r"\]\(([^)]+)\)", document.read_text(encoding="utf-8")):
                with self.subTest(document.name, link=link):
                    path, _, anchor = link.partition("#")
                    target = (document.parent / path).resolve() if path else document.resolve()
                    self.assertTrue(target.exists())
                    self.assertTrue(not anchor or anchor in anchors[target])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])

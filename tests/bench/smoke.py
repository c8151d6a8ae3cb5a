"""
That the bench itself works: the load generator against the two filters that nearmissd is
measured by, over unix and inet sockets. Counts are asserted, never times.

    smoke.py BUILD_FOLDER        the folder that holds milter_load and the filters
"""

import contextlib
import os
import sqlite3
import sys
import unittest

from bench import Filter, QueueFilter, WrongCount, load, scratch_folder
from harness.process import Port

CLIENTS = 8
MESSAGES = 300
RECIPIENTS = 5


class Smoke(unittest.TestCase):
    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.folder = self.stack.enter_context(scratch_folder())

    def serve_noop(self, address=None):
        served = Filter(self.build, self.folder, "noop_filter", address)
        return self.stack.enter_context(served)

    def run_load(self, served, **options):
        return load(
            self.build,
            served.address,
            clients=CLIENTS,
            messages=MESSAGES,
            recipients=RECIPIENTS,
            verify=True,
            **options,
        )

    def assert_all_went_on(self, result):
        self.assertEqual(result["failure"], "")
        self.assertEqual(result["wrong"], 0)
        self.assertEqual(result["recipients"]["continue"], MESSAGES * RECIPIENTS)
        self.assertEqual(result["messages"]["continue"], MESSAGES)
        for kind in ("recipients", "messages"):
            self.assertEqual(sum(result[kind].values()), result[kind]["continue"])

    def test_every_recipient_and_message_goes_on(self):
        served = self.serve_noop()
        self.assert_all_went_on(self.run_load(served))

    def test_several_messages_take_one_connection(self):
        served = self.serve_noop()
        self.assert_all_went_on(self.run_load(served, per_connection=7, warm_up=20))

    def test_idle_connections_are_kept_open_beside_the_load(self):
        served = self.serve_noop()
        self.assert_all_went_on(self.run_load(served, idle=100))

    def test_inet_sockets_too(self):
        port = Port()
        self.stack.callback(port.close)
        served = self.serve_noop(f"inet:{port.number}@{port.host}")
        self.assert_all_went_on(self.run_load(served))

    def test_an_answer_that_verify_does_not_expect_fails_the_run(self):
        served = self.serve_noop()
        near = os.path.join(self.folder, "near")
        with open(near, "w") as file:
            file.write("exmaple.net\n")
        with self.assertRaises(WrongCount) as raised:
            self.run_load(served, near_misses=near, near_share=500)
        self.assertNotIn('"wrong":0', str(raised.exception))
        self.assertIn('"failure":""', str(raised.exception))

    def test_the_queue_filter_writes_every_recipient(self):
        served = QueueFilter(self.build, self.folder)
        with served:
            self.assert_all_went_on(self.run_load(served, warm_up=10))
        with contextlib.closing(sqlite3.connect(served.database)) as database:
            count, distinct = database.execute(
                "SELECT count(*), count(DISTINCT recipient) FROM recipient"
            ).fetchone()
        self.assertEqual(count, (MESSAGES + 10) * RECIPIENTS)
        self.assertEqual(distinct, count)

    def test_a_filter_that_is_gone_fails_the_run(self):
        served = Filter(self.build, self.folder, "noop_filter")
        with served:
            pass
        with self.assertRaises(WrongCount):
            self.run_load(served)


if __name__ == "__main__":
    Smoke.build = sys.argv.pop(1)
    unittest.main()

"""The daemon's own life: its configuration, its sockets, its signals."""

import contextlib
import grp
import os
import pwd
import re
import signal
import socket
import stat

from harness.case import SiteCase, main
from harness.daemon import GROUP, USER, Daemon
from harness.process import accepts


class ConfigurationCase(SiteCase):
    """A wrong configuration is refused whole, with each complaint at its place."""

    def setUp(self):
        super().setUp()
        self.addCleanup(self.daemon.configure)

    def nearmissd(self, *arguments):
        """Status and words of a daemon that is expected to end by itself."""
        done = self.daemon.run(*arguments, program="NEARMISSD")
        return done.returncode, done.stdout + done.stderr

    def test_a_right_one_is_found_so(self):
        status, words = self.nearmissd("-t", "-c", self.daemon.configuration)
        self.assertEqual(status, 0, words)

    def test_every_complaint_names_file_and_line(self):
        self.daemon.configure(
            text='mode = "strict";\n'
            'protect = { domains = [ "army.mil", "not a domain" ]; };\n'
            'rules = (\n    { name = "a"; action = "explode"; }\n);\n'
            "surprise = 1;\n"
        )
        place = re.escape(self.daemon.configuration) + r":(\d+): "
        for option in ([], ["-t"]):
            with self.subTest(option):
                status, words = self.nearmissd("-c", self.daemon.configuration, *option)
                self.assertEqual(status, 3, words)
                lines = {int(line) for line in re.findall("(?m)^" + place, words)}
                self.assertEqual(lines, {1, 2, 4, 6}, words)

    def test_a_syntax_error_names_its_line(self):
        self.daemon.configure(text='mode = "enforce";\nprotect = {\n')
        status, words = self.nearmissd("-c", self.daemon.configuration)
        self.assertEqual(status, 3, words)
        self.assertRegex(words, re.escape(self.daemon.configuration) + ":[23]: ")

    def test_a_missing_file_is_named(self):
        status, words = self.nearmissd("-c", "/nonexistent/nearmiss.conf")
        self.assertEqual(status, 3, words)
        self.assertIn("/nonexistent/nearmiss.conf", words)

    def check_start(self, changes, status, *words):
        """What -t says of a start as root, with these changes of the configuration."""
        self.daemon.configure({"user": USER, **changes})
        done = self.daemon.run(
            "-t", "-c", self.daemon.configuration, program="NEARMISSD", umask=0o022
        )
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode, status, said)
        for word in words:
            self.assertIn(word, said)
        return said

    def test_a_start_that_would_work_has_no_warnings(self):
        self.assertNotIn("warning", self.check_start({}, 0, "fine"))

    def test_what_would_keep_it_from_starting_is_said(self):
        folder = os.path.join(self.daemon.folder, "rootly")
        os.mkdir(folder, mode=0o755)
        self.addCleanup(os.rmdir, folder)
        socket = f"unix:{folder}/x.sock"
        missing = f"unix:{folder}/none/x.sock"
        self.check_start({"milter": {"socket": socket}}, 0, "milter.socket", folder, "Permission")
        self.check_start({"milter": {"socket": missing}}, 0, "milter.socket", "No such file")
        self.check_start({"control": {"socket": socket}}, 0, "control.socket", "Permission")
        self.assertNotIn("warning", self.check_start({"control": {"socket": missing}}, 0))
        self.check_start({"milter": {"socket_group": "nogrup"}}, 0, 'no group "nogrup"')
        self.check_start({"audit": {"database": f"{folder}/audit.db"}}, 4, "Permission denied")
        self.check_start({"user": "nobdy"}, 3, "nobdy", "no such account")
        self.check_start({"user": ""}, 0, "user is not set")

    def test_a_file_that_the_daemon_could_not_read_again_is_warned_of(self):
        os.chmod(self.daemon.configuration, 0o600)
        self.addCleanup(os.chmod, self.daemon.configuration, 0o644)
        self.check_start({}, 0, "cannot read it")

    def test_an_unknown_option_is_a_usage_error(self):
        status, words = self.nearmissd("--nonsense")
        self.assertEqual(status, 2, words)


class ReloadCase(SiteCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.daemon.ask, "reload")
        self.addCleanup(self.daemon.configure)

    def refuses(self):
        bad = self.at("army.ml")
        return self.send(bad).rcpt[bad].code == 550

    def test_reload_reaches_the_writer_of_the_log(self):
        self.daemon.configure({"audit": {"wait_ms": 777}})
        self.daemon.ask("reload")
        self.assertEqual(self.daemon.status()["audit"]["wait_ms"], 777)

    def test_reload_puts_the_new_configuration_in_force(self):
        self.assertTrue(self.refuses())
        self.daemon.configure({"mode": "observe"})
        self.daemon.ask("reload")
        self.assertFalse(self.refuses())
        self.daemon.configure()
        self.daemon.ask("reload")
        self.assertTrue(self.refuses())
        first, second, third = [row["config"] for row in self.daemon.rows(self.mark)]
        self.assertEqual(first, third)
        self.assertNotEqual(first, second)

    def test_a_signal_does_the_same(self):
        self.daemon.configure({"mode": "observe"})
        self.daemon.reload_by_signal()
        self.assertFalse(self.refuses())
        self.daemon.configure()
        self.daemon.reload_by_signal()
        self.assertTrue(self.refuses())

    def test_a_message_is_decided_by_the_configuration_it_began_with(self):
        bad = self.at("army.ml")
        with self.site.smtp() as session:
            session.mail(self.sender)
            # Postfix tells a filter of MAIL no sooner than of the first recipient.
            session.rcpt(self.at("army.mil"))
            self.daemon.configure({"mode": "observe"})
            self.daemon.ask("reload")
            self.assert_reply(session.rcpt(bad), 550)
            session.command("RSET")
            session.mail(self.sender)
            self.assert_reply(session.rcpt(bad), 250)
        good, refused, observed = self.assert_rows(
            {"mode": "enforce"}, {"mode": "enforce"}, {"mode": "observe"}
        )
        self.assertEqual(good["config"], refused["config"])
        self.assertNotEqual(good["config"], observed["config"])

    def test_a_wrong_configuration_leaves_the_old_one_in_force(self):
        before = self.daemon.status()["config"]
        self.daemon.configure(text='mode = "strict";\n')
        done = self.daemon.run("reload", "-c", self.daemon.configuration)
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        self.assertIn(f"{self.daemon.configuration}:1: ", done.stdout + done.stderr)
        self.daemon.configure()
        self.assertEqual(self.daemon.status()["config"], before)
        self.assertTrue(self.refuses())

    def test_a_wrong_configuration_by_signal_is_logged(self):
        self.daemon.configure(text='mode = "strict";\n')
        start = self.daemon.server.log.size()
        self.daemon.server.send_signal(signal.SIGUSR1)
        self.daemon.server.log.until("stays in force", start=start)
        self.assertIn(self.daemon.configuration, self.daemon.server.log.text(start))
        self.assertTrue(self.refuses())

    def test_who_may_not_ask_is_told_so(self):
        os.chmod(self.daemon.control_socket, 0o600)
        self.addCleanup(os.chmod, self.daemon.control_socket, 0o660)
        socket = ("--socket", self.daemon.control_socket)
        done = self.daemon.run("status", *socket, user="daemon", group="daemon", extra_groups=[])
        self.assertEqual(done.returncode, 4, done.stdout + done.stderr)
        self.assertIn("you may not ask the daemon", done.stderr)

    def test_a_daemon_that_is_away_is_said_to_be(self):
        self.daemon.stop()
        self.addCleanup(self.daemon.start)
        for word in ("reload", "status"):
            done = self.daemon.run(word, "-c", self.daemon.configuration)
            self.assertEqual(done.returncode, 4, done.stdout + done.stderr)
            self.assertIn(self.daemon.control_socket, done.stderr)


class SocketCase(SiteCase):
    def start_second(self, changes):
        """Start another instance, which is expected to end at once; status and words."""
        second = Daemon(os.path.join(self.site.folder, self.mark), changes)
        second.launch()
        status = second.server.wait()
        return status, second.server.words()

    def assert_works(self):
        bad = self.at("army.ml")
        self.assert_reply(self.send(bad).rcpt[bad], 550)

    def test_the_socket_has_the_mode_and_group_of_the_configuration(self):
        status = os.stat(self.daemon.milter_socket)
        self.assertEqual(stat.S_IMODE(status.st_mode), 0o660)
        self.assertEqual(grp.getgrgid(status.st_gid).gr_name, GROUP)
        self.assertEqual(pwd.getpwuid(status.st_uid).pw_name, USER)

    def test_a_stop_takes_the_sockets_away(self):
        self.daemon.stop()
        self.addCleanup(self.daemon.start)
        for path in (self.daemon.milter_socket, self.daemon.control_socket):
            self.assertFalse(os.path.exists(path), path)

    def test_a_stale_socket_is_replaced(self):
        self.daemon.kill()
        for path in (self.daemon.milter_socket, self.daemon.control_socket):
            self.assertTrue(os.path.exists(path), path)
        self.daemon.start()
        self.assert_works()
        self.daemon.status()

    def test_another_instances_milter_socket_is_respected(self):
        path = self.daemon.milter_socket
        status, words = self.start_second({"milter": {"socket": f"unix:{path}"}})
        self.assertEqual(status, 4, words)
        self.assertIn(path, words)
        self.assert_works()
        self.daemon.status()

    def test_another_instances_control_socket_is_respected(self):
        path = self.daemon.control_socket
        status, words = self.start_second({"control": {"socket": f"unix:{path}"}})
        self.assertEqual(status, 4, words)
        self.assertIn(path, words)
        self.assert_works()
        self.daemon.status()

    def test_what_is_no_socket_is_not_touched(self):
        path = os.path.join(self.daemon.folder, "precious")
        with open(path, "w") as file:
            file.write("data")
        status, words = self.start_second({"milter": {"socket": f"unix:{path}"}})
        self.assertEqual(status, 4, words)
        self.assertIn(path, words)
        with open(path) as file:
            self.assertEqual(file.read(), "data")

    def test_a_folder_that_is_not_there_is_named(self):
        path = "/nonexistent/milter.sock"
        status, words = self.start_second({"milter": {"socket": f"unix:{path}"}})
        self.assertEqual(status, 4, words)
        self.assertIn(path, words)


class StopCase(SiteCase):
    def test_every_signal_that_means_stop_does(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with self.subTest(number):
                self.daemon.stop(number)
                self.daemon.start()

    def test_an_idle_session_does_not_hold_up_the_stop(self):
        with contextlib.ExitStack() as stack:
            sessions = [stack.enter_context(self.site.smtp()) for _ in range(5)]
            for session in sessions:
                session.mail(self.sender)
            self.daemon.stop()
            for session in sessions:
                self.assert_reply(session.rcpt(self.at("army.mil")), 451)
        self.daemon.start()
        self.assert_arrived()
        self.assertEqual(self.queue(), [])


class SupervisorCase(SiteCase):
    """What systemd is told, by sd_notify's protocol."""

    def setUp(self):
        super().setUp()
        self.daemon.stop()
        path = os.path.join(self.daemon.folder, "notify.sock")
        self.notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(os.unlink, path)
        self.addCleanup(self.notices.close)
        self.notices.bind(path)
        os.chmod(path, 0o666)
        self.notices.settimeout(60)
        self.environment = {"NOTIFY_SOCKET": path}

    def next_notice(self):
        notice = self.notices.recv(4096).decode()
        return dict(line.split("=", 1) for line in notice.splitlines())

    def test_it_hears_of_ready_reloading_and_stopping(self):
        self.daemon.start(self.environment)
        self.assertEqual(self.next_notice(), {"READY": "1"})
        self.daemon.ask("reload")
        notice = self.next_notice()
        self.assertEqual(notice.pop("RELOADING"), "1")
        self.assertTrue(notice.pop("MONOTONIC_USEC").isdigit())
        self.assertEqual(self.next_notice(), {"READY": "1"})
        self.daemon.stop()
        self.assertEqual(self.next_notice(), {"STOPPING": "1"})
        self.daemon.start()

    def test_it_hears_that_the_daemon_lives(self):
        self.daemon.start({**self.environment, "WATCHDOG_USEC": "200000"})
        self.assertEqual(self.next_notice(), {"READY": "1"})
        self.assertEqual(self.next_notice(), {"WATCHDOG": "1"})
        self.daemon.stop()
        self.daemon.start()


class RootCase(SiteCase):
    """Started as root, as an init without users of its own would."""

    def setUp(self):
        super().setUp()
        self.daemon.stop()
        self.addCleanup(self.daemon.start)
        self.addCleanup(self.daemon.configure)

    def test_it_wants_a_user(self):
        self.daemon.launch(as_root=True)
        status, words = self.daemon.server.wait(), self.daemon.server.words()
        self.daemon.server = None
        self.assertEqual(status, 3, words)
        self.assertIn("user", words)

    def test_it_becomes_the_user(self):
        self.daemon.configure({"user": USER, "milter": {"socket_group": "nogroup"}})
        # After a change of user the kernel keeps a process from looking into itself, and
        # so LeakSanitizer from working.
        self.daemon.start({"LSAN_OPTIONS": "detect_leaks=0"}, as_root=True)
        with open(f"/proc/{self.daemon.server.pid}/status") as file:
            ids = re.findall(r"(?m)^[UG]id:\s+(.*)", file.read())
        user = pwd.getpwnam(USER)
        self.assertEqual(
            [set(map(int, line.split())) for line in ids], [{user.pw_uid}, {user.pw_gid}]
        )
        self.assertTrue(accepts(self.daemon.milter_socket))
        self.daemon.stop()


if __name__ == "__main__":
    main()

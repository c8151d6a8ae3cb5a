"""
A private Postfix: configuration, queue and log below one folder, listening on a loopback
port of its own and handing all mail to one smtp-sink. Runs as root without systemd.
"""

import json
import os
import re
import shutil
import subprocess

from .process import Log, Port, Server
from .wait import until

HOST_NAME = "gw.test.example"
_DAEMONS = "/usr/lib/postfix/sbin"

_LIFE_S = 7200

# What differs from Postfix's own defaults. Nothing looks anything up in the DNS.
_SETTINGS = {
    "compatibility_level": "3.6",
    "command_directory": "/usr/sbin",
    "daemon_directory": _DAEMONS,
    "shlib_directory": "/usr/lib/postfix",
    "meta_directory": "/etc/postfix",
    "mail_owner": "postfix",
    "setgid_group": "postdrop",
    "syslog_name": "postfix",
    "myhostname": HOST_NAME,
    "mydomain": "test.example",
    "myorigin": HOST_NAME,
    "mydestination": "",
    "local_recipient_maps": "",
    "alias_maps": "",
    "alias_database": "",
    "mynetworks": "0.0.0.0/0 [::]/0",
    "inet_protocols": "all",
    "smtp_dns_support_level": "disabled",
    "smtp_tls_security_level": "none",
    "smtpd_tls_security_level": "none",
    "smtpd_peername_lookup": "no",
    "smtpd_relay_restrictions": "permit_mynetworks, reject",
    "smtpd_recipient_restrictions": "",
    "smtpd_sasl_auth_enable": "yes",
    "smtpd_authorized_xclient_hosts": "127.0.0.0/8 [::1]",
    "smtpd_client_connection_count_limit": "0",
    "smtpd_client_connection_rate_limit": "0",
    "smtputf8_enable": "yes",
    "milter_default_action": "tempfail",
    "milter_connect_timeout": "30s",
    "milter_command_timeout": "30s",
    "milter_content_timeout": "60s",
    "enable_long_queue_ids": "yes",
    "notify_classes": "",
    "biff": "no",
    "in_flow_delay": "0",
}

# Debian's services without their chroot; the inet services come from the instance.
_SERVICES = """\
pickup    unix  n  -  n  60    1   pickup
cleanup   unix  n  -  n  -     0   cleanup
qmgr      unix  n  -  n  300   1   qmgr
tlsmgr    unix  -  -  n  1000? 1   tlsmgr
rewrite   unix  -  -  n  -     -   trivial-rewrite
bounce    unix  -  -  n  -     0   bounce
defer     unix  -  -  n  -     0   bounce
trace     unix  -  -  n  -     0   bounce
verify    unix  -  -  n  -     1   verify
flush     unix  n  -  n  1000? 0   flush
proxymap  unix  -  -  n  -     -   proxymap
smtp      unix  -  -  n  -     -   smtp
relay     unix  -  -  n  -     -   smtp
showq     unix  n  -  n  -     -   showq
error     unix  -  -  n  -     -   error
retry     unix  -  -  n  -     -   error
discard   unix  -  -  n  -     -   discard
anvil     unix  -  -  n  -     1   anvil
scache    unix  -  -  n  -     1   scache
postlog   unix-dgram n - n -   1   postlogd
"""


class Postfix:
    """`milters` filters mail that comes by SMTP and mail that is submitted here.
    `settings` goes over the ones above. With `master` the file of that name is copied to
    master.cf as it is, and the port is the caller's affair."""

    name = "postfix"
    offers_smtputf8 = True

    def __init__(self, folder, sink, milters="", settings=None, master=None, port=None):
        self.folder = folder
        self.configuration = os.path.join(folder, "etc")
        self.queue_folder = os.path.join(folder, "spool")
        self.log = Log(os.path.join(folder, "mail.log"))
        self.port = port or Port()
        self.port6 = None if master else Port("::1")
        self._sink = sink
        self._milters = milters
        self._settings = settings or {}
        self._master = master
        self.server = None

    def start(self):
        self._make_folders()
        self._write_configuration()
        self.run("postfix", "check")
        # Postfix's own start does no more than this, but leaves its process to init. It
        # changes its user for a moment, after which the kernel no longer ends it together
        # with us; so that it ends at all should we be killed, its life has a limit (-e).
        master = os.path.join(_DAEMONS, "master")
        self.server = Server(
            "postfix",
            [master, "-c", self.configuration, "-s", "-e", str(_LIFE_S)],
            os.path.join(self.folder, "master.log"),
        )
        self.server.until("accepts connections", self.port.accepts)

    def _make_folders(self):
        for name in ("etc", "spool", "data"):
            os.makedirs(os.path.join(self.folder, name), mode=0o755)
        data = os.path.join(self.folder, "data")
        shutil.chown(data, "postfix", "postfix")
        os.chmod(data, 0o700)

    def _write_configuration(self):
        settings = {
            **_SETTINGS,
            "queue_directory": self.queue_folder,
            "data_directory": os.path.join(self.folder, "data"),
            "maillog_file": self.log.path,
            "maillog_file_prefixes": self.folder,
            "inet_interfaces": self.port.host + (", ::1" if self.port6 else ""),
            "relayhost": f"[{self._sink.port.host}]:{self._sink.port.number}",
            "smtpd_milters": self._milters,
            "non_smtpd_milters": self._milters,
            **self._settings,
        }
        main = os.path.join(self.configuration, "main.cf")
        with open(main, "w") as file:
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())
        # Postfix waits until the file is two seconds old, lest it change under its eyes.
        os.utime(main, (0, 0))
        target = os.path.join(self.configuration, "master.cf")
        if self._master:
            shutil.copyfile(self._master, target)
            return
        with open(target, "w") as file:
            for host, port in (("127.0.0.1", self.port), ("[::1]", self.port6)):
                file.write(f"{host}:{port.number} inet n - n - 200 smtpd\n")
            file.write(_SERVICES)

    def run(self, program, *arguments, text_in=None):
        """Run one of Postfix's programs on this instance; what it printed."""
        option = "-C" if program == "sendmail" else "-c"
        done = subprocess.run(
            [program, option, self.configuration, *arguments],
            input=text_in,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise RuntimeError(
                f"{program} {' '.join(arguments)}: {done.returncode}\n"
                f"{done.stdout}{done.stderr}{self.log.text()}"
            )
        return done.stdout

    def queue(self, about=""):
        """The queue's messages whose sender or a recipient holds `about`; as postqueue's
        JSON gives them, with `recipients` a list of addresses."""
        rows = [json.loads(line) for line in self.run("postqueue", "-j").splitlines()]
        for row in rows:
            row["recipients"] = [item["address"] for item in row["recipients"]]
        return [row for row in rows if about in " ".join([row["sender"], *row["recipients"]])]

    def settle(self, queue_ids):
        """Wait until each message is delivered, held or discarded; the ids of the held
        ones."""
        held = []
        for queue_id in queue_ids:
            ends = ("removed", "milter-discard", "milter-hold")
            end = self.log.until(*(f" {queue_id}: {one}" for one in ends))
            if end.endswith("hold"):
                held.append(queue_id)
        return held

    def settle_all(self):
        """Wait until the queue holds nothing but held messages. For a caller who knows that
        nothing new comes; a message on its way from one queue to the next can escape one
        look, not two with a log between them that has not grown."""

        def quiet():
            size = self.log.size()
            looks = [
                [row for row in self.queue() if row["queue_name"] != "hold"] for _ in "12"
            ]
            return not any(looks) and self.log.size() == size

        until("Postfix's queue is empty", quiet)

    def release(self, queue_id):
        """Let a held message go, without filtering it again, and wait until it is gone."""
        self.run("postsuper", "-H", queue_id)
        self.run("postqueue", "-i", queue_id)
        self.log.until(f" {queue_id}: removed")

    def submit(self, sender, recipients, message):
        """Submit mail on this machine, as sendmail(1) does; the queue id."""
        start = self.log.size()
        self.run("sendmail", "-f", sender, "-i", "--", *recipients, text_in=message)
        pattern = re.compile(rf"pickup\[\d+\]: (\w+): uid=\d+ from=<{re.escape(sender)}>")
        found = until(
            f"pickup takes the message from {sender}",
            lambda: pattern.search(self.log.text(start)),
        )
        return found[1]

    def close(self):
        if self.server:
            self.server.stop()
            self.server.kill_rest()
        self.port.close()
        if self.port6:
            self.port6.close()

"""
A private Sendmail, from a package that was unpacked and not installed (see
scripts/unpack-sendmail): configuration and queue below one folder, listening on a loopback
port of its own and handing all mail to one smtp-sink. Runs as root without systemd.

It offers what harness.postfix does, so that one test may speak to both.
"""

import os
import re
import shutil
import subprocess

from .process import Log, Port, Server
from .wait import until

HOST_NAME = "sm.test.example"
ROOT = os.environ.get("NM_SENDMAIL_ROOT", "")

# %(name)s are replaced. Nothing is looked up in the DNS, and nothing is canonified, so
# that addresses are passed on as they came. TrustStickyBit, for it all lies below /tmp.
_CONFIGURATION = """\
divert(-1)dnl
include(`%(cf)s/m4/cf.m4')dnl
divert(0)dnl
VERSIONID(`a test')
define(`MAIL_SETTINGS_DIR', `%(etc)s/')dnl
OSTYPE(`linux')dnl
undefine(`DECNET_RELAY')dnl
undefine(`UUCP_RELAY')dnl
undefine(`BITNET_RELAY')dnl
define(`QUEUE_DIR', `%(queue)s')dnl
define(`STATUS_FILE', `%(etc)s/statistics')dnl
define(`confPID_FILE', `%(etc)s/sendmail.pid')dnl
define(`ALIAS_FILE', `')dnl
define(`HELP_FILE', `%(etc)s/helpfile')dnl
define(`confDOMAIN_NAME', `%(name)s')dnl
define(`confDONT_PROBE_INTERFACES', `loopback')dnl
define(`confTRUSTED_USER', `root')dnl
define(`confDEF_USER_ID', `mail:mail')dnl
define(`confDONT_BLAME_SENDMAIL', `TrustStickyBit')dnl
define(`confTO_IDENT', `0s')dnl
define(`confCACERT',`')dnl
define(`confBIND_OPTS',`-DNSRCH -DEFNAMES')dnl
define(`confSERVICE_SWITCH_FILE', `%(etc)s/service.switch')dnl
define(`confDELIVERY_MODE', `background')dnl
define(`confMAX_RCPTS_PER_MESSAGE', `1000')dnl
define(`SMART_HOST', `smtp:[127.0.0.1]')dnl
define(`SMTP_MAILER_ARGS', `TCP $h %(sink)s')dnl
define(`RELAY_MAILER_ARGS', `TCP $h %(sink)s')dnl
define(`ESMTP_MAILER_ARGS', `TCP $h %(sink)s')dnl
FEATURE(`no_default_msa')dnl
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`accept_unqualified_senders')dnl
FEATURE(`promiscuous_relay')dnl
FEATURE(`nocanonify')dnl
DAEMON_OPTIONS(`Family=inet, Name=MTA, Port=%(port)s, Addr=127.0.0.1')dnl
%(filter)s
MAILER(`smtp')dnl
"""

# What the sendmail command uses: mail goes to the daemon above by SMTP.
_SUBMISSION = """\
divert(-1)dnl
include(`%(cf)s/m4/cf.m4')dnl
divert(0)dnl
VERSIONID(`a test')
OSTYPE(`linux')dnl
define(`MSP_QUEUE_DIR', `%(submitted)s')dnl
define(`confDONT_PROBE_INTERFACES', `loopback')dnl
define(`confDONT_BLAME_SENDMAIL', `TrustStickyBit')dnl
define(`confDOMAIN_NAME', `%(name)s')dnl
define(`confSERVICE_SWITCH_FILE', `%(etc)s/service.switch')dnl
define(`confBIND_OPTS',`-DNSRCH -DEFNAMES')dnl
define(`RELAY_MAILER_ARGS', `TCP $h %(port)s')dnl
define(`confRUN_AS_USER', `mail:mail')dnl
define(`confTRUSTED_USER', `mail')dnl
FEATURE(`nocanonify')dnl
FEATURE(`msp', `[127.0.0.1]')dnl
"""

_SOME_REFUSED = 67  # EX_NOUSER

# As the operator's guide has it.
_FILTER = "INPUT_MAIL_FILTER(`nearmiss', `S=local:%s, F=T, T=C:30s;S:30s;R:30s;E:60s')dnl"

# Without these it asks the machine's name servers, and spends a minute on each question.
_HIDDEN = {
    "resolv.conf": "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
    "hosts": "127.0.0.1 localhost\n127.0.0.1 %(name)s %(machine)s\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files\n",
}
_RUN = """\
set -e
for file in resolv.conf hosts nsswitch.conf; do mount --bind "$0/$file" "/etc/$file"; done
exec "$@"
"""


def missing():
    """Why there is no Sendmail to test with, or None."""
    if not ROOT or not os.access(_program("sendmail"), os.X_OK):
        return "there is no unpacked Sendmail (scripts/unpack-sendmail)"
    done = subprocess.run(["unshare", "-m", "true"], capture_output=True)
    if done.returncode != 0:
        return "Sendmail needs a mount namespace, which this machine does not give"
    return None


def _program(name):
    return os.path.join(ROOT, "usr/libexec/sendmail", name)


def _libraries():
    folders = [os.path.join(ROOT, "usr/lib", name) for name in _triplets()]
    return {"LD_LIBRARY_PATH": ":".join(folders)}


def _triplets():
    library = os.path.join(ROOT, "usr/lib")
    return [name for name in os.listdir(library) if "-linux-" in name]


class Sendmail:
    """`milter` is the filter's socket, `unix:/path`."""

    name = "sendmail"
    offers_smtputf8 = False
    port6 = None

    def __init__(self, folder, sink, milters=""):
        self.folder = folder
        self.etc = os.path.join(folder, "etc")
        self.queue_folder = os.path.join(folder, "queue")
        self.submission_folder = os.path.join(folder, "submitted")
        self.log = Log(os.path.join(folder, "sendmail.log"))
        self.port = Port()
        self._sink = sink
        self._milter = milters.partition(":")[2]
        self.server = None

    def start(self):
        os.makedirs(self.etc, mode=0o755)
        os.makedirs(self.queue_folder, mode=0o700)
        os.makedirs(self.submission_folder, mode=0o770)
        shutil.chown(self.submission_folder, "mail", "mail")
        self._write_configuration()
        self.server = Server(
            "sendmail",
            self._command("sendmail", "-bD"),
            self.log.path,
            env=_libraries(),
        )
        self.server.until("accepts connections", self.port.accepts)

    def _write_configuration(self):
        cf = os.path.join(ROOT, "usr/share/sendmail/cf")
        places = {
            "cf": cf,
            "etc": self.etc,
            "queue": self.queue_folder,
            "submitted": self.submission_folder,
            "name": HOST_NAME,
            "sink": self._sink.port.number,
            "port": self.port.number,
            "filter": _FILTER % self._milter if self._milter else "dnl",
        }
        for name in ("local-host-names", "relay-domains", "trusted-users", "helpfile"):
            self._write(name, "")
        self._write("service.switch", "hosts files\naliases files\n")
        for name, words in _HIDDEN.items():
            self._write(name, words % {"name": HOST_NAME, "machine": os.uname().nodename})
        self._generate("sendmail", _CONFIGURATION % places, cf)
        self._generate("submit", _SUBMISSION % places, cf)

    def _generate(self, name, text, cf):
        """NAME.cf from the text of NAME.mc."""
        self._write(f"{name}.mc", text)
        m4 = os.path.join(ROOT, "usr/bin/m4")
        done = subprocess.run(
            [m4, f"-D_CF_DIR_={cf}/", os.path.join(self.etc, f"{name}.mc")],
            cwd=cf,
            env={**os.environ, **_libraries()},
            capture_output=True,
            text=True,
            check=True,
        )
        self._write(f"{name}.cf", done.stdout)

    def _write(self, name, text):
        with open(os.path.join(self.etc, name), "w") as file:
            file.write(text)

    def _command(self, program, *arguments, configuration="sendmail.cf"):
        configuration = os.path.join(self.etc, configuration)
        return [
            *("unshare", "-m", "--propagation", "private"),
            *("/bin/bash", "-c", _RUN, self.etc),
            *(_program(program), "-C", configuration, *arguments),
        ]

    def run(self, program, *arguments, text_in=None, configuration="sendmail.cf", fine=(0,)):
        """Run Sendmail under one of its names on this instance; what it printed."""
        done = subprocess.run(
            self._command(program, *arguments, configuration=configuration),
            env={**os.environ, **_libraries()},
            input=text_in,
            capture_output=True,
            text=True,
        )
        if done.returncode not in fine:
            raise RuntimeError(
                f"{program} {' '.join(arguments)}: {done.returncode}\n"
                f"{done.stdout}{done.stderr}"
            )
        return done.stdout + done.stderr

    def submit(self, sender, recipients, message, configuration="submit.cf"):
        """Submit mail on this machine, as sendmail(1) does, and wait until the daemon has
        it. With sendmail.cf it is taken without the daemon."""
        arguments = ("-f", sender, "-i", "-O", "DeliveryMode=i", "--", *recipients)
        self.run(
            *("sendmail", *arguments),
            text_in=message,
            configuration=configuration,
            fine=(0, _SOME_REFUSED),
        )

    # ---- the queue: a message is qfID (or hfID while held) and dfID -------

    def _control(self, queue_id, letter):
        return os.path.join(self.queue_folder, f"{letter}f{queue_id}")

    def queue(self, about=""):
        """As Postfix.queue, read from the queue's files."""
        rows = []
        for name in sorted(os.listdir(self.queue_folder)):
            if name[:2] not in ("qf", "hf"):
                continue
            try:
                with open(os.path.join(self.queue_folder, name), "rb") as file:
                    text = file.read().decode("utf-8", "replace")
            except FileNotFoundError:
                continue
            sender = re.search(r"(?m)^S<(.*)>$", text)
            row = {
                "queue_id": name[2:],
                "queue_name": "hold" if name[0] == "h" else "active",
                "sender": sender[1] if sender else "",
                "recipients": re.findall(r"(?m)^R[^:\n]*:<(.*)>$", text),
                "reason": "".join(re.findall(r"(?m)^q(.*)$", text)),
            }
            if about in " ".join([row["sender"], *row["recipients"]]):
                rows.append(row)
        return rows

    def settle(self, queue_ids):
        """Wait until each message is delivered or held; the ids of the held ones."""

        def settled(queue_id):
            return not os.path.exists(self._control(queue_id, "q"))

        for queue_id in queue_ids:
            until(f"{queue_id} settles", lambda one=queue_id: settled(one))
        return [one for one in queue_ids if os.path.exists(self._control(one, "h"))]

    def release(self, queue_id):
        """Let a held message go, without filtering it again, and wait until it is gone."""
        self.run("sendmail", "-qQ", f"-qI{queue_id}", "-Q")
        self.run("sendmail", f"-qI{queue_id}")
        until(
            f"{queue_id} leaves the queue",
            lambda: not any(os.path.exists(self._control(queue_id, one)) for one in "qh"),
        )

    def close(self):
        if self.server:
            self.server.stop()
            self.server.kill_rest()
        self.port.close()

"""A sink, a mail server and a nearmissd, wired together in one temporary folder."""

import contextlib
import os
import tempfile

from .daemon import Daemon
from .postfix import Postfix
from .process import remove_folder
from .sink import Sink
from .smtp import Smtp


class Site:
    """Opened whole or not at all; `close` ends and removes everything. The daemon is made
    but not started: without one, mail is put off. `mta` is a class, Postfix or Sendmail."""

    def __init__(self, mta=Postfix, **options):
        self.dialogue = []
        with contextlib.ExitStack() as stack:
            self.folder = tempfile.mkdtemp(prefix="nearmiss-")
            stack.callback(remove_folder, self.folder)
            os.chmod(self.folder, 0o755)  # Postfix and the daemon are other users
            self.sink = Sink(self._subfolder("sink"))
            stack.callback(self.sink.close)
            self.sink.start()
            self.daemon = Daemon(os.path.join(self.folder, "nearmiss"))
            stack.callback(self.daemon.stop)
            self.mta = mta(
                self._subfolder(mta.name),
                self.sink,
                **{"milters": f"unix:{self.daemon.milter_socket}", **options},
            )
            stack.callback(self.mta.close)
            self.mta.start()
            self._stack = stack.pop_all()

    @property
    def postfix(self):
        return self.mta

    def _subfolder(self, name):
        path = os.path.join(self.folder, name)
        os.mkdir(path, 0o755)
        return path

    def close(self):
        self._stack.close()

    def smtp(self, hello=True, ipv6=False):
        """A session with the mail server, which has said EHLO."""
        port = self.mta.port6 if ipv6 else self.mta.port
        session = Smtp(port.address, self.dialogue)
        if hello:
            session.hello()
        return session

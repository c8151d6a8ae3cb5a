"""
A mail server on loopback with nearmissd as its filter, for the tests and the demo.

    wait      conditions with deadlines; nothing here sleeps in place of one
    process   servers as child processes, stopped by their own pid
    sink      smtp-sink, and what arrived there
    postfix   a private Postfix: its queue, its log
    smtp      an SMTP client that says exactly what it is told
    conf      configuration files in libconfig's syntax
    daemon    nearmissd and the tool nearmiss
    site      the four together in one temporary folder
    case      unittest on top of a site

Everything runs as root without systemd, writes below one temporary folder, listens on
loopback only, and is gone when the site is closed. Python's standard library only.
"""

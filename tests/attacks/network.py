"""Carrying stolen goods out, or calling for help."""

from tests.attacks.attack import Attack

GROUP = "network"


def sends(name: str, gains: str, source: str, by: str = "anyone") -> Attack:
    return Attack(
        GROUP, name, gains, ("import socket\n" + source,), tells="PermissionError|OSError|URLError", by=by
    )


ATTACKS = [
    sends(
        "TCP",
        "a helper outside that solves the exercises",
        "socket.create_connection(('127.0.0.1', tcp)).send(b'x')",
    ),
    sends(
        "UDP",
        "hidden inputs, sent to a friend",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', udp))",
    ),
    sends(
        "a name server",
        "hidden inputs, coded in names that are looked up",
        "query = bytes.fromhex('1234 0100 0001 0000 0000 0000 04 6c6f6f74 00 0001 0001')\n"
        "socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).sendto(query, ('::ffff:127.0.0.1', udp))",
    ),
    sends(
        "a web page",
        "the answers, from a page",
        "import urllib.request\nurllib.request.urlopen(f'http://127.0.0.1:{tcp}/', timeout=0.2)",
    ),
    sends(
        "a Unix socket",
        "a service of the instructor's machine, as Docker's",
        "socket.socket(socket.AF_UNIX).connect(unix)",
    ),
    sends(
        "an abstract Unix socket",
        "a channel to another hand-in that no file shows",
        "socket.socket(socket.AF_UNIX).connect('\\0' + abstract)",
    ),
    sends(
        "a socket to listen on",
        "a door for whoever knows the port",
        "door = socket.socket()\ndoor.bind(('127.0.0.1', 0))\ndoor.listen()\ngained(door.getsockname())",
    ),
    sends(
        "a netlink socket",
        "the list of network interfaces and addresses",
        "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).bind((0, 0))\ngained()",
    ),
    sends(
        "a raw socket",
        "packets of any kind, and those of others",
        "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)\ngained()",
        by="root",
    ),
    sends(
        "a socket by its number",
        "the network, past a patched module",
        "from autograder.engine.syscalls import call\ncall('socket', 2, 2, 0)\ngained()",
    ),
]

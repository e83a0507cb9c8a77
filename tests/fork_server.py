"""The process from which the tests' bots are forked: it imports the libraries, and nothing of the project.

Its standard input is a socket. It ends with that, and so does what it has forked.
"""

import importlib
import os
import select
import signal
import socket
import sys
from typing import Final

from forking import Begin

LIBRARIES: Final = (
    *("aiosqlite", "asyncpg", "babel.messages.pofile", "cachetools", "cryptography.fernet", "discord.ext.commands"),
    *("prometheus_client", "pydantic_settings", "sqlalchemy.ext.asyncio", "sqlalchemy.orm", "stamina", "structlog"),
    *("sqlalchemy.dialects.postgresql.asyncpg", "sqlalchemy.dialects.sqlite.aiosqlite", "yarl"),
)


def serve() -> Begin:
    """Fork until the tests end; return, in the forked process, what it is to run."""
    control = socket.socket(fileno=0)
    children: dict[int, tuple[int, int]] = {}  # by the file that is ready when one ends: its ID, and who is told
    poll = select.poll()
    poll.register(control, select.POLLIN)
    while True:
        for ready, _ in poll.poll():
            if ready in children:
                poll.unregister(ready)
                child, told = children.pop(ready)
                os.write(told, str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())
                os.close(told)
                os.close(ready)
                continue
            begin = Begin.receive(control)
            if begin is None:
                for child, _ in children.values():
                    os.kill(child, signal.SIGKILL)
                sys.exit()
            child = os.fork()
            if not child:
                for other, (_, told) in children.items():
                    os.close(other)
                    os.close(told)
                return begin
            os.close(begin.output)
            ended = os.pidfd_open(child)
            children[ended] = (child, begin.told)
            poll.register(ended, select.POLLIN)
            control.sendall(child.to_bytes(4, "big"))


if __name__ == "__main__":
    for library in LIBRARIES:
        importlib.import_module(library)
    exec(serve().enter(), {"__name__": "__main__"})  # noqa: S102 - as `python -c` does

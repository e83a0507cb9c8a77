"""Bot processes that begin with the libraries imported: three quarters of a start are these imports."""

import asyncio
import atexit
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

LONGEST: Final = 1 << 17  # bytes of what a process is to run, with its environment
POSSIBLE: Final = hasattr(os, "pidfd_open") and not any(name.startswith("COVERAGE_") for name in os.environ)


def inherited() -> dict[str, str]:
    """Return what a process takes over from this one's environment, away from the developer's own settings."""
    return {name: value for name, value in os.environ.items() if name == "PATH" or name.startswith("COVERAGE_")}


class Forked:
    """A process of the fork server's, with what the tests use of asyncio's ``Process``."""

    def __init__(self, pid: int, stdout: asyncio.StreamReader, told: asyncio.StreamReader) -> None:
        self.pid = pid
        self.stdout = stdout
        self.returncode: int | None = None
        self._ending = asyncio.create_task(self._end(told))

    async def wait(self) -> int:
        """Return the exit code, or the number of the signal that ended it, below zero."""
        return await asyncio.shield(self._ending)

    def send_signal(self, number: int) -> None:
        """Send the signal, unless the process has ended."""
        if self.returncode is None:
            with suppress(ProcessLookupError):  # as asyncio's
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    async def _end(self, told: asyncio.StreamReader) -> int:
        self.returncode = int(await told.read())
        return self.returncode


@dataclass(frozen=True)
class Begin:
    """What a forked process runs, where, and the files that take its output and its exit code."""

    code: str
    folder: str
    environment: dict[str, str]
    output: int
    told: int

    @classmethod
    def receive(cls, control: socket.socket) -> "Begin | None":
        """Return what comes next, or None when the tests have ended."""
        text, files, _, _ = socket.recv_fds(control, LONGEST, 2)
        return cls(**json.loads(text), output=files[0], told=files[1]) if text else None

    def enter(self) -> str:
        """Make this process what is asked for; return the code that it runs."""
        os.dup2(self.output, 1)
        os.dup2(self.output, 2)
        os.close(self.output)
        os.close(self.told)
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - as a start opens them
        sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.chdir(self.folder)
        os.environ.clear()
        os.environ |= self.environment
        sys.path[0:1] = ["", *self.environment["PYTHONPATH"].split(os.pathsep)]
        return self.code


async def fork(code: str, folder: Path, environment: dict[str, str]) -> Forked:
    """Run the code as ``python -c`` would, in a process of its own."""
    printed, output = os.pipe()
    ended, told = os.pipe()
    text = json.dumps({"code": code, "folder": str(folder), "environment": environment})
    socket.send_fds(_server(), [text.encode()], [output, told])
    pid = int.from_bytes(_server().recv(4), "big")
    os.close(output)
    os.close(told)
    return Forked(pid, await _reader(printed), await _reader(ended))


async def _reader(file: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(file, "rb", 0)
    )
    return reader


@cache
def _server() -> socket.socket:
    """Start the fork server of these tests, which ends with them."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, str(Path(__file__).with_name("fork_server.py"))]
    server = subprocess.Popen(command, stdin=theirs.fileno(), env=inherited())  # noqa: S603 - of this folder
    theirs.close()

    def end() -> None:
        ours.close()
        server.wait()

    atexit.register(end)
    return ours

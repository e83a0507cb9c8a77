"""What a running process costs, as Linux counts it."""

from pathlib import Path


def resident_mib(pid: int) -> float:
    """Return the memory that a process has in use, in MiB."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines())
    return int(fields["VmRSS"].split()[0]) / 1024


def processor_seconds(pid: int) -> float:
    """Return the processor time of all threads; /proc/<pid>/stat counts in hundredths of a second only."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")  # in nanoseconds
    return sum(int(task.read_text("utf-8").split()[0]) for task in tasks) / 1e9

"""Starts components in order, restarts those that end, and stops all: what PID 1 of the node does all day.

It runs in one thread, and sleeps until a signal comes or a restart is due. Every child of the process is reaped, also
those that components leave behind.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from infra.clusters.processes.readiness import Gate, always

SIGNALS = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT}
GATE_TIMEOUT = 120.0
GATE_INTERVAL = 0.05
LARGEST_LOG = 16 * 1024 * 1024
"""Bytes: of a log that has grown beyond, one copy is kept beside a fresh one."""
LOG_INTERVAL = 60.0
"""Seconds between two looks at the logs."""
STOP_PATIENCE = 4.0
"""Seconds for one component to end by itself."""


@dataclass(frozen=True)
class Component:
    """A process that must always run.

    Attributes:
        name: of its log file.
        run: the command, or a function that is called in a child process and never returns.
        ready: whether what depends on it may start.
    """

    name: str
    run: tuple[str, ...] | Callable[[], None]
    ready: Gate = always


@dataclass
class Backoff:
    """How long to wait before the next restart: twice as long each time, from the start again after a steady while.

    All figures are seconds.
    """

    first: float = 0.5
    longest: float = 30.0
    steady: float = 60.0
    _next: float = field(default=0.0, init=False)

    def after(self, lived: float) -> float:
        """The delay after a life of `lived` seconds."""
        if lived >= self.steady or not self._next:
            self._next = self.first
        delay, self._next = self._next, min(self._next * 2, self.longest)
        return delay


@dataclass
class State:
    """What is known of one component now."""

    component: Component
    backoff: Backoff = field(default_factory=Backoff)
    pid: int | None = None
    started: float = 0.0
    due: float | None = None
    restarts: int = 0
    ready: bool = False


class NotReady(Exception):
    """A component did not become ready in time."""


class Supervisor:
    """Runs the components until it is told to stop by SIGTERM or SIGINT."""

    def __init__(
        self,
        components: Sequence[Component],
        logs: Path,
        environment: Mapping[str, str],
        report: Callable[[Sequence[State], str], None],
    ) -> None:
        """`report` is called with the states and the phase (starting, ready, stopping, stopped) after each change."""
        self.states = [State(component) for component in components]
        self.logs = logs
        self.environment = dict(environment)
        self.stopping = False
        self._report = report
        self._phase = "starting"

    def start(self) -> None:
        """Start all, each when the one before it is ready. Raises NotReady; returns early when told to stop."""
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        for state in self.states:
            self._spawn(state)
            self._wait_until_ready(state)
            if self.stopping:
                return
        self._enter("ready")

    def run(self) -> None:
        """Keep all running until told to stop."""
        while not self.stopping:
            put_long_logs_aside(self.logs)
            self._pump(self._until_next_restart())

    def stop(self, after: Mapping[str, Callable[[], None]] | None = None) -> None:
        """Stop all in the reverse order; the functions in `after` are called when the component of that name ended."""
        self.stopping = True
        self._enter("stopping")
        for state in reversed(self.states):
            self._end(state)
            if after and state.component.name in after:
                after[state.component.name]()
        self._enter("stopped")

    def _enter(self, phase: str) -> None:
        self._phase = phase
        say(phase)
        self._report(self.states, phase)

    def _wait_until_ready(self, state: State) -> None:
        deadline = time.monotonic() + GATE_TIMEOUT
        while not self.stopping:
            if state.pid and state.component.ready():
                state.ready = True
                self._report(self.states, self._phase)
                return
            if time.monotonic() > deadline:
                raise NotReady(state.component.name)
            self._pump(GATE_INTERVAL)

    def _pump(self, timeout: float) -> None:
        """Sleep until a signal or the time-out, then reap the dead and start what is due."""
        arrived = signal.sigtimedwait(SIGNALS, timeout)
        if arrived and arrived.si_signo in (signal.SIGTERM, signal.SIGINT):
            self.stopping = True
        self._reap()
        for state in self.states:
            if state.due is not None and state.due <= time.monotonic() and not self.stopping:
                state.restarts += 1
                self._spawn(state)

    def _until_next_restart(self) -> float:
        dues = [state.due for state in self.states if state.due is not None]
        return max(0.0, min(dues) - time.monotonic()) if dues else LOG_INTERVAL

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._buried(pid, os.waitstatus_to_exitcode(status))

    def _buried(self, pid: int, code: int) -> None:
        for state in self.states:
            if state.pid != pid:
                continue
            state.pid = None
            if not self.stopping:
                delay = state.backoff.after(time.monotonic() - state.started)
                state.due = time.monotonic() + delay
                say(f"{state.component.name} ended with {code}; starts again in {delay:g} s")
                self._report(self.states, self._phase)

    def _spawn(self, state: State) -> None:
        component = state.component
        log = os.open(self.logs / f"{component.name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            if callable(component.run):
                state.pid = _fork(component.run, log)
            else:
                state.pid = self._execute(component.run, log)
        finally:
            os.close(log)
        state.started, state.due = time.monotonic(), None
        say(f"{component.name} started as {state.pid}")
        self._report(self.states, self._phase)

    def _execute(self, command: tuple[str, ...], log: int) -> int:
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, log, 1),
            (os.POSIX_SPAWN_DUP2, log, 2),
        ]
        return os.posix_spawnp(command[0], command, self.environment, file_actions=actions, setsid=True, setsigmask=[])

    def _end(self, state: State) -> None:
        state.due = None
        for kind in (signal.SIGTERM, signal.SIGKILL):
            if state.pid:
                os.kill(state.pid, kind)
            deadline = time.monotonic() + STOP_PATIENCE
            while state.pid and time.monotonic() < deadline:
                self._pump(GATE_INTERVAL)


def put_long_logs_aside(logs: Path) -> None:
    """Copy and empty them: whoever writes there appends to an open file, and goes on."""
    for log in logs.glob("*.log"):
        if log.stat().st_size > LARGEST_LOG:
            shutil.copyfile(log, log.with_suffix(".log.1"))
            os.truncate(log, 0)


def say(text: str) -> None:
    """A line of the node's own log."""
    print(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), text, flush=True)  # noqa: T201


def _fork(function: Callable[[], None], log: int) -> int:
    """A child that shares this process's code: nothing of it is looked up on a disk that the mounts hide."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        os.dup2(log, 1)
        os.dup2(log, 2)
        for each in SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        function()
    except BaseException as error:
        print(repr(error), file=sys.stderr, flush=True)  # noqa: T201
    finally:
        os._exit(1)

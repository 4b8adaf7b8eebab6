"""Named shared memory: ownership, reclaiming, refusal, sizes."""

from __future__ import annotations

import fcntl
import os
import platform
import stat
import subprocess
import sys

import numpy as np
import pytest

from disruptor.errors import LayoutMismatchError, SegmentError, SegmentInUseError
from disruptor.memory.process_identity import ProcessIdentity, current_process, start_time_of
from disruptor.memory.segment import PAGE_BYTES, SHARED_MEMORY_DIRECTORY, Segment, existing, reclaim


def test_a_view_is_shared_between_creator_and_attacher(segment_prefix: str) -> None:
    segment = Segment.create(f"{segment_prefix}a", "test", 1, PAGE_BYTES)
    segment.publish()
    attached = Segment.attach(f"{segment_prefix}a", "test", 1)
    segment.array(np.int64, 4, 64)[2] = 42

    assert attached.array(np.int64, 4, 64)[2] == 42
    attached.close()
    segment.unlink()


def test_only_its_user_may_open_a_segment(segment_prefix: str) -> None:
    segment = Segment.create(f"{segment_prefix}mode", "test", 1, PAGE_BYTES)
    mode = os.stat(f"{SHARED_MEMORY_DIRECTORY}/{segment_prefix}mode").st_mode
    segment.unlink()

    assert stat.S_IMODE(mode) == 0o600


def test_a_segment_is_invisible_until_it_is_published(segment_prefix: str) -> None:
    segment = Segment.create(f"{segment_prefix}a", "test", 1, PAGE_BYTES)
    with pytest.raises(LayoutMismatchError, match="magic=0x0"):
        Segment.attach(f"{segment_prefix}a", "test", 1)
    segment.unlink()


@pytest.mark.parametrize(("kind", "version"), [("other", 1), ("test", 2)])
def test_another_kind_or_version_is_refused(segment_prefix: str, kind: str, version: int) -> None:
    segment = Segment.create(f"{segment_prefix}a", "test", 1, PAGE_BYTES)
    segment.publish()
    with pytest.raises(LayoutMismatchError, match=f"expected kind='{kind}' version={version}"):
        Segment.attach(f"{segment_prefix}a", kind, version)
    segment.unlink()


def test_a_living_owners_segment_is_refused(segment_prefix: str) -> None:
    segment = Segment.create(f"{segment_prefix}a", "test", 1, PAGE_BYTES)
    with pytest.raises(SegmentInUseError, match=str(os.getpid())):
        Segment.create(f"{segment_prefix}a", "test", 1, PAGE_BYTES)
    segment.unlink()


def test_a_dead_owners_segment_is_reclaimed(segment_prefix: str) -> None:
    name = f"{segment_prefix}a"
    child = os.fork()
    if child == 0:
        Segment.create(name, "test", 1, PAGE_BYTES).publish()
        os._exit(0)
    os.waitpid(child, 0)
    assert existing(segment_prefix) == [name]
    segment = Segment.create(name, "test", 1, PAGE_BYTES)

    assert segment.owner == current_process()
    segment.unlink()


def test_a_reused_pid_is_not_mistaken_for_the_owner() -> None:
    me = current_process()

    assert me.is_alive()
    assert not ProcessIdentity(me.pid, me.start_time - 1).is_alive()


def test_reclaiming_nothing_says_so(segment_prefix: str) -> None:
    assert not reclaim(f"{segment_prefix}nothing")


def test_a_missing_segment_is_one_sentence(segment_prefix: str) -> None:
    with pytest.raises(SegmentError, match="does not exist; is its owner running"):
        Segment.attach(f"{segment_prefix}a", "test", 1)


def test_more_than_the_machine_has_is_refused_and_leaves_nothing(segment_prefix: str) -> None:
    free = os.statvfs(SHARED_MEMORY_DIRECTORY)
    too_much = free.f_bavail * free.f_frsize + (1 << 30)
    with pytest.raises(SegmentError, match="free; make the rings smaller"):
        Segment.create(f"{segment_prefix}a", "test", 1, too_much)


def test_an_attacher_that_ends_neither_unlinks_nor_complains(segment_prefix: str) -> None:
    """A resource tracker would do both; see the module's docstring."""
    segment = Segment.create(f"{segment_prefix}a", "test", 1, PAGE_BYTES)
    segment.publish()
    program = (
        "import numpy as np\n"
        "from disruptor.memory.segment import Segment\n"
        f"view = Segment.attach({segment_prefix + 'a'!r}, 'test', 1).array(np.int64, 4, 64)\n"
        "print(view[0])\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )

    assert (ended.stdout, ended.stderr) == ("0\n", "")
    assert existing(segment_prefix) == [f"{segment_prefix}a"]
    segment.unlink()


def test_a_segment_that_is_being_made_is_not_taken_for_remains(segment_prefix: str) -> None:
    """Its maker holds the lock and has not written who it is; a dead maker holds nothing."""
    path = f"{SHARED_MEMORY_DIRECTORY}/{segment_prefix}a"
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    for size in (0, PAGE_BYTES):
        os.ftruncate(descriptor, size)
        with pytest.raises(SegmentInUseError, match="is being created by another process"):
            Segment.create(f"{segment_prefix}a", "test", 1, PAGE_BYTES)
    os.close(descriptor)
    Segment.create(f"{segment_prefix}a", "test", 1, PAGE_BYTES).unlink()


def test_a_segment_without_a_size_is_refused_in_one_sentence(segment_prefix: str) -> None:
    path = f"{SHARED_MEMORY_DIRECTORY}/{segment_prefix}a"
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    with pytest.raises(SegmentError, match="cannot be attached"):
        Segment.attach(f"{segment_prefix}a", "test", 1)
    os.unlink(path)


def test_identity_fits_one_word() -> None:
    me = current_process()

    assert ProcessIdentity.unpacked(me.packed) == me
    assert 0 < me.packed < 2**63
    assert not ProcessIdentity.unpacked(0).is_alive()


@pytest.mark.skipif(platform.machine() != "x86_64", reason="names a system call by its number")
def test_a_process_lives_as_long_as_its_last_thread() -> None:
    """Its first thread is shown as a zombie from the moment on at which that one has ended."""
    program = (
        "import ctypes, sys, threading\n"
        "def work():\n"
        "    while b' Z ' not in open('/proc/self/stat', 'rb').read(): pass\n"
        "    print('zombie', flush=True)\n"
        "    sys.stdin.read()\n"
        "threading.Thread(target=work).start()\n"
        "ctypes.CDLL(None).syscall(60, 0)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    identity = ProcessIdentity(process.pid, start_time_of(process.pid))
    assert process.stdout is not None
    assert process.stdout.readline() == "zombie\n"
    assert identity.is_alive()
    process.kill()
    process.communicate(timeout=30)
    assert not identity.is_alive()

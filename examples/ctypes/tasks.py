#!/usr/bin/env python3
"""Tasks from Python: python3 tasks.py [LIBRARY] - three sleeps gathered, then tasks written in Python.

What a foreign language needs to know: structs are told their size by exec_..._options_init(), errors are negative errno
values, and a future is given back by exec_future_unref(). Tasks written in Python may compute, but not wait: CPython ties
its state to the thread, and a task that waits lets others run on its thread. The main thread may wait as it likes; ctypes
lets go of Python's lock meanwhile.
"""

import ctypes
import errno
import hashlib
import os
import sys

P = ctypes.POINTER
TASK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, P(ctypes.c_void_p))


class PoolOptions(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("n_workers", ctypes.c_uint), ("flags", ctypes.c_uint),
                ("stack_bytes", ctypes.c_size_t), ("name", ctypes.c_char_p),
                ("start_hook", ctypes.c_void_p), ("start_ctx", ctypes.c_void_p)]


class Outcome(ctypes.Structure):
    _fields_ = [("state", ctypes.c_int), ("err", ctypes.c_int), ("value", ctypes.c_void_p)]


def load(path):
    """The library, with the types of the functions used here."""
    lib = ctypes.CDLL(path)
    pointer, status = ctypes.c_void_p, ctypes.c_int
    for name, result, *arguments in (
            ("exec_pool_options_init", None, P(PoolOptions), ctypes.c_size_t),
            ("exec_pool_new", status, P(pointer), P(PoolOptions)),
            ("exec_pool_free", status, pointer),
            ("exec_pool_set_default", status, pointer),
            ("exec_create_task", pointer, TASK, pointer),
            ("exec_sleep_future", pointer, ctypes.c_int64),
            ("exec_await", status, pointer, P(pointer)),
            ("exec_gather", status, P(pointer), ctypes.c_size_t, P(Outcome), ctypes.c_uint),
            ("exec_future_unref", None, pointer)):
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


def check(err):
    if err < 0:
        raise OSError(-err, os.strerror(-err))


def main(path):
    lib = load(path)
    options, pool = PoolOptions(), ctypes.c_void_p()
    lib.exec_pool_options_init(ctypes.byref(options), ctypes.sizeof(options))
    options.stack_bytes = 1 << 20  # Python needs more than C
    check(lib.exec_pool_new(ctypes.byref(pool), ctypes.byref(options)))
    check(lib.exec_pool_set_default(pool))

    # Futures that need no code at all: three sleeps, gathered.
    sleeps = (ctypes.c_void_p * 3)(*(lib.exec_sleep_future(ms * 1000000) for ms in (30, 20, 10)))
    outcomes = (Outcome * 3)()
    check(lib.exec_gather(sleeps, 3, outcomes, 0))
    print("gathered", [outcome.state for outcome in outcomes])
    for future in sleeps:
        lib.exec_future_unref(future)

    # A task written in Python. hashlib lets go of Python's lock: such tasks do run in parallel.
    @TASK
    def digest(arg, value):
        value[0] = int(hashlib.sha256(ctypes.string_at(arg)).hexdigest()[:8], 16)
        return 0

    @TASK
    def fail(arg, value):
        return -errno.EIO

    value = ctypes.c_void_p()
    text = ctypes.create_string_buffer(b"executor")
    future = lib.exec_create_task(digest, ctypes.cast(text, ctypes.c_void_p))
    check(lib.exec_await(future, ctypes.byref(value)))
    lib.exec_future_unref(future)
    print("awaited %08x" % value.value)

    future = lib.exec_create_task(fail, None)
    try:
        check(lib.exec_await(future, None))
    except OSError as error:
        print("failed with", errno.errorcode[error.errno])
    lib.exec_future_unref(future)
    check(lib.exec_pool_free(pool))


main(sys.argv[1] if len(sys.argv) > 1 else "libexecutor.so.0")

"""gdb commands for programs that use executor: list the tasks of its pools, look into a suspended one.

    (gdb) source executor-gdb.py
    (gdb) executor tasks             every live task of every pool that has a worker thread
    (gdb) executor tasks POOL        of this pool (an exec_pool *)
    (gdb) executor bt TASK [ARGS]    backtrace of a suspended task; ARGS as for gdb's backtrace
    (gdb) executor enter TASK        up, down, info locals ... work in it, from frame 1 on
    (gdb) executor leave             back to the thread itself; so does every step and continue

TASK is an exec_future *, an address, or a task's name. Works on running programs and on core files that the kernel
wrote (gdb's own generate-core-file cannot read past guard pages and leaves suspended stacks out). The library must have
its debug information. Finding the pools by itself needs libthread_db.

How enter works: the registers that a suspended task was left with lie on its stack (port/context_x86_64.S, or a
ucontext_t). An unwinder says that the caller of the selected thread's innermost frame is the function that the task
was left in. No register is written, so there is nothing to restore.
"""

import re
import struct

import gdb
import gdb.unwinder

# task/state.h
WORD_DONE = 1 << 56
WORD_CANCEL = 1 << 58
WORD_STARTED = 1 << 59
WORD_QUEUED = 1 << 60
# task/waitword.h
WAIT_STATE = 3
WAIT_ARMED = 1
WAIT_CLAIMED = 2
WAIT_FORWARD = 4
# task/slab.h
CHUNK_BYTES = 2 << 20
CELL_BYTES = 64
# task/extra.h
EXTRA_REASON = 1 << 63

KINDS = ("nothing", "task", "promise", "sleep", "gather", "shield")
KIND_TASK = 1

# Where execi_context_switch() leaves what it saved, from the stack pointer.
SAVED = {"r15": 8, "r14": 16, "r13": 24, "r12": 32, "rbx": 40, "rbp": 48, "rip": 56}
SAVED_BYTES = 64
# The same in a ucontext_t: indices into gregs.
GREGS = {"r12": 4, "r13": 5, "r14": 6, "r15": 7, "rbp": 10, "rbx": 11, "rsp": 15, "rip": 16}


def number(value):
    """An integer of any qualification: gdb keeps _Atomic on the type."""
    return int(value.cast(gdb.lookup_type("unsigned long")))


def read_words(address, n):
    return struct.unpack("<%dQ" % n, gdb.selected_inferior().read_memory(address, 8 * n).tobytes())


def offset_of(type_, name):
    """Of a field, also one inside unnamed structs and unions."""
    for field in type_.fields():
        if field.name == name:
            return field.bitpos // 8
        if not field.name:
            inner = offset_of(field.type.strip_typedefs(), name)
            if inner is not None:
                return field.bitpos // 8 + inner
    return None


def cell_type():
    return gdb.lookup_type("struct exec_future")


class Task:
    def __init__(self, address):
        self.address = address
        self.cell = gdb.Value(address).cast(cell_type().pointer()).dereference()
        self.word = number(self.cell["word"])
        self.wait = number(self.cell["wait"]["word"])

    def kind(self):
        kind = number(self.cell["kind"])
        return KINDS[kind] if kind < len(KINDS) else "?"

    def is_live(self):
        return number(self.cell["kind"]) == KIND_TASK and not self.word & WORD_DONE

    def has_started(self):
        return self.wait != 0 and not self.word & WORD_DONE

    def fiber(self):
        return self.cell["fiber"].dereference() if self.has_started() else None

    def worker(self):
        fiber = self.fiber()
        return fiber["worker"].dereference() if fiber is not None and number(fiber["worker"]) else None

    def is_running(self):
        worker = self.worker()
        return worker is not None and number(worker["fiber"]) == number(self.cell["fiber"])

    def name(self):
        """As exec_pool_dump() calls it."""
        extra = number(self.cell["extra"])
        if extra and not extra & EXTRA_REASON:
            block = gdb.Value(extra).cast(gdb.lookup_type("struct execi_extra").pointer())
            name = block["name"].string()
            if name:
                return name
        return "%s-%x" % (self.kind(), self.address >> 6)

    def function(self):
        match = re.search(r"<([^>+]+)", str(self.cell["fn"]))
        return match.group(1) if match else "?"

    def state(self):
        if not self.has_started():
            return "is queued, to run %s" % self.function()
        fiber = self.fiber()
        worker = number(self.worker()["id"]) if self.worker() is not None else -1
        if self.is_running():
            if number(fiber["task"]) != self.address:
                return "awaits %s on its own stack, on worker %d" % (Task(number(fiber["task"])).name(), worker)
            return "runs on worker %d" % worker
        if self.wait & WAIT_STATE != WAIT_ARMED:
            return "is ready, was on worker %d" % worker
        if self.wait & WAIT_FORWARD:
            return "waits for %s, on worker %d" % (Task(number(self.cell["awaiting"])).name(), worker)
        return "waits for a deadline or a queue, on worker %d" % worker

    def line(self):
        cancel = ", is being cancelled" if self.word & WORD_CANCEL else ""
        return "  0x%x %s %s%s" % (self.address, self.name(), self.state(), cancel)


def current_workers():
    """The worker of each thread that is one."""
    selected, frame = gdb.selected_thread(), None
    if selected is not None:
        frame = gdb.selected_frame()
    try:
        for thread in gdb.selected_inferior().threads():
            thread.switch()
            try:
                worker = gdb.parse_and_eval("execi_current_worker")
                if number(worker):
                    yield worker
            except gdb.error as error:
                raise gdb.GdbError("cannot tell which threads are workers (%s); name the pool" % error)
    finally:
        if selected is not None:
            selected.switch()
            frame.select()


def all_pools():
    pools = {}
    for worker in list(current_workers()):
        pools[number(worker["pool"])] = worker["pool"]
    return [pools[key] for key in sorted(pools)]


def slab_cells(slab):
    """The addresses of the live tasks of a slab. Reads whole chunks: a cell at a time would take minutes for millions."""
    chunk = number(slab["chunks"])
    at_word, at_kind = offset_of(cell_type(), "word"), offset_of(cell_type(), "kind")
    while chunk:
        memory = gdb.selected_inferior().read_memory(chunk, CHUNK_BYTES).tobytes()
        for at in range(CELL_BYTES, CHUNK_BYTES, CELL_BYTES):
            if memory[at + at_kind] != KIND_TASK:
                continue
            word, = struct.unpack_from("<Q", memory, at + at_word)
            if word & (WORD_QUEUED | WORD_STARTED) and not word & WORD_DONE:
                yield chunk + at
        head = gdb.Value(chunk).cast(gdb.lookup_type("struct execi_chunk").pointer())
        chunk = number(head["next"])


def register_cells(register):
    prefix = gdb.lookup_type("struct execi_prefix")
    cell = number(register["head"])
    while cell:
        yield cell
        cell = number(gdb.Value(cell - prefix.sizeof).cast(prefix.pointer())["next"])


def pool_tasks(pool):
    arena = pool["arena"]
    for i in range(number(arena["n_slabs"])):
        for address in slab_cells(arena["slabs"][i]):
            yield Task(address)
    low, high = pool["registers"].type.range()
    for i in range(low, high + 1):
        for address in register_cells(pool["registers"][i]):
            if Task(address).is_live():
                yield Task(address)


def find_task(text):
    """An expression, or else the name of a live task."""
    for pool in all_pools() if re.fullmatch(r"[^\s()*&]+", text) and not re.match(r"0x|\d|\$", text) else []:
        for task in pool_tasks(pool):
            if task.name() == text:
                return task
    try:
        address = number(gdb.parse_and_eval(text))
    except gdb.error as error:
        raise gdb.GdbError("no live task is called %s (%s)" % (text, error))
    task = Task(address)
    if not task.is_live():
        raise gdb.GdbError("0x%x is no live task" % address)
    return task


def saved_registers(task):
    """What the task goes on with: right behind its call of execi_context_switch()."""
    if not task.has_started():
        raise gdb.GdbError("%s has not started: it has no stack" % task.name())
    if task.is_running():
        raise gdb.GdbError("%s is not suspended: it %s" % (task.name(), task.state()))
    if "x86-64" not in gdb.selected_inferior().architecture().name():
        raise gdb.GdbError("suspended tasks can be looked into on x86-64 only")
    sp = number(task.fiber()["context"]["sp"])
    try:
        gdb.parse_and_eval("(long)&execi_context_left")
        is_assembly = True
    except gdb.error:
        is_assembly = False
    if is_assembly:
        words = read_words(sp, SAVED_BYTES // 8)
        registers = {name: words[at // 8] for name, at in SAVED.items()}
        registers["rsp"] = sp + SAVED_BYTES
        return registers
    context = gdb.Value(sp).cast(gdb.lookup_type("ucontext_t").pointer())
    gregs = context["uc_mcontext"]["gregs"]
    return {name: number(gregs[i]) for name, i in GREGS.items()}


class FrameId:
    def __init__(self, sp, pc):
        self.sp = sp
        self.pc = pc


class TaskUnwinder(gdb.unwinder.Unwinder):
    """While a task is entered: the frame below the innermost one of the thread it was entered from is the task's."""

    def __init__(self):
        super().__init__("executor task")
        self.registers = None

    def enter(self, registers):
        self.leave()
        frame = gdb.newest_frame()
        while frame.type() == gdb.INLINE_FRAME:
            frame = frame.older()
        self.thread = gdb.selected_thread().ptid
        self.top = (number(frame.read_register("rsp")), number(frame.read_register("rip")))
        self.registers = registers
        gdb.invalidate_cached_frames()

    def leave(self):
        if self.registers is not None:
            self.registers = None
            gdb.invalidate_cached_frames()

    def __call__(self, pending):
        if self.registers is None or gdb.selected_thread().ptid != self.thread:
            return None
        here = (number(pending.read_register("rsp")), number(pending.read_register("rip")))
        if here != self.top:
            return None
        # gdb stops where a caller's frame seems to lie below its callee's: so this one pretends to lie below the task's.
        info = pending.create_unwind_info(FrameId(gdb.Value(self.registers["rsp"] - 16), gdb.Value(here[1])))
        long_type = gdb.lookup_type("unsigned long")
        for name, value in self.registers.items():
            info.add_saved_register(name, gdb.Value(value).cast(long_type))
        return info


unwinder = TaskUnwinder()
gdb.unwinder.register_unwinder(None, unwinder, replace=True)
gdb.events.cont.connect(lambda event: unwinder.leave())


def hidden_frames():
    """How many frames stand above the task's: the thread's innermost, with what was inlined into it."""
    n, frame = 1, gdb.newest_frame()
    while frame.type() == gdb.INLINE_FRAME:
        n, frame = n + 1, frame.older()
    return n


def task_backtrace(task, arguments):
    registers = saved_registers(task)
    unwinder.enter(registers)
    try:
        skip = hidden_frames()
        text = gdb.execute("backtrace " + arguments, to_string=True)
    finally:
        unwinder.leave()
    lines, is_shown = [], False
    for line in text.splitlines():
        match = re.match(r"#(\d+)( +)(.*)", line)
        if match:
            is_shown = int(match.group(1)) >= skip
            line = "#%-3d%s" % (int(match.group(1)) - skip, match.group(3))
        if is_shown:
            lines.append(line)
    return "\n".join(lines)


class ExecutorCommand(gdb.Command):
    """Look at the tasks of executor's pools: executor tasks, bt, enter, leave."""

    def __init__(self):
        super().__init__("executor", gdb.COMMAND_STACK, prefix=True)


class TasksCommand(gdb.Command):
    """executor tasks [POOL]: every live task, its name, and what it does."""

    def __init__(self):
        super().__init__("executor tasks", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        if argument:
            pools = [gdb.parse_and_eval(argument).cast(gdb.lookup_type("struct exec_pool").pointer())]
        else:
            pools = all_pools()
        for pool in pools:
            print("pool %s at 0x%x, %d workers:" % (pool["name"].string(), number(pool), number(pool["n_workers"])))
            n = 0
            for task in pool_tasks(pool):
                print(task.line())
                n += 1
            print("%d live tasks" % n)
        if not pools:
            print("no thread is a worker")


class BacktraceCommand(gdb.Command):
    """executor bt TASK [ARGS]: backtrace of a suspended task. ARGS are gdb's for backtrace."""

    def __init__(self):
        super().__init__("executor bt", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        words = argument.split(None, 1)
        if not words:
            raise gdb.GdbError("executor bt TASK [ARGS]")
        print(task_backtrace(find_task(words[0]), words[1] if len(words) > 1 else ""))


class EnterCommand(gdb.Command):
    """executor enter TASK: make a suspended task's frames the selected thread's, from frame 1 on."""

    def __init__(self):
        super().__init__("executor enter", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        if not argument:
            raise gdb.GdbError("executor enter TASK")
        task = find_task(argument)
        unwinder.enter(saved_registers(task))
        gdb.execute("frame %d" % hidden_frames())


class LeaveCommand(gdb.Command):
    """executor leave: the selected thread's own frames again."""

    def __init__(self):
        super().__init__("executor leave", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        unwinder.leave()
        gdb.execute("frame 0")


ExecutorCommand()
TasksCommand()
BacktraceCommand()
EnterCommand()
LeaveCommand()

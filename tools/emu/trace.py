"""What happens between two edges of MARK, call by call: which Python function runs, which kernel,
and which look-up in a table of names finds nothing.

Three addresses of the interpreter are learnt from a window in which the board calls a known
function with one argument and asks a known dictionary for what it lacks (`learn`):

    call        of a Python function: the type says where
    kernel      of machine code, likewise
    resume      runs bytecode, of a call or of a generator: called with the state of that function
                and no exception to raise
    look up     called with the address of the dictionary's table

Every instruction's cycles go to the function that is at work. A call's own cost, up to the first
bytecode, is the callee's.
"""

from collections import defaultdict


class Trace:
    """`calls[name]`, `kernels[name]`: how many; `resumes`: of generators; `found`, `failed`:
    look-ups; `cycles[name]`: spent in a function itself, `seeking[name]`: of these, in look-ups;
    `depth`: the lowest stack pointer, `deepest`: whose call it was, from the loop on.
    """

    def __init__(self):
        self.calls, self.kernels, self.resumes = (defaultdict(int) for _ in range(3))
        self.cycles, self.seeking, self.parts = (defaultdict(int) for _ in range(3))
        self.found = self.failed = 0
        self.entered = defaultdict(lambda: 1 << 32)  # name: the lowest stack pointer at its entry
        self.depth, self.deepest = 1 << 32, []


class Tracer:
    """Steps the processor through a window. `part(pc)` names the part of the interpreter that an
    instruction belongs to, if somebody knows.
    """

    def __init__(self, mcu, objects, part=None):
        self._mcu, self._core, self.objects = mcu, mcu.core, objects
        self._part = part
        self._at: dict = {}

    def learn(self, fun, kernel, table):
        """Runs the window of the known calls. Arguments are what id() says on the board."""
        core = self._core
        call, machine = self.objects.call_of(fun), self.objects.call_of(kernel)
        self._at = {call: self._call, machine: self._kernel}

        def look(open_):
            within = seek = resume = 0
            while open_():
                pc = core.pc
                if pc == call and core.registers[0] == fun:
                    within = 1
                self._mcu.step()
                if core.lr != pc + 5:  # no BL, which is four octets long
                    continue
                r = core.registers
                if within and not resume and r[1] == 0 and self._word(r[0]) == fun:
                    resume = core.pc
                if not seek and r[0] == table + 4 and r[2] == 0:
                    seek = core.pc
            self._at.update({resume: self._resume, seek: self._seek})
            return resume and seek

        return look

    def _word(self, at):
        return self.objects.word(at) if 0x20000000 <= at < 0x20042000 else 0

    def run(self, open_, trace):
        """To the end of the window; what is seen goes to `trace`."""
        core, step, at, part = self._core, self._mcu.step, self._at, self._part
        cycles, seeking, parts = trace.cycles, trace.seeking, trace.parts
        self.trace = trace
        self.stack = stack = [(0, 1 << 32, "(the loop)")]  # return address, stack pointer, name
        self.seeks = 0
        while open_():
            pc, sp = core.pc, core.sp
            if sp < trace.depth:
                trace.depth = sp
                trace.deepest = [x[2] or "look-up" for x in stack]
            if pc == stack[-1][0] and sp >= stack[-1][1]:
                if stack.pop()[2] is None:
                    self._sought(core.registers[0])
            hook = at.get(pc)
            if hook:
                while sp > stack[-1][1]:  # an exception went past it
                    if stack.pop()[2] is None:
                        self.seeks -= 1
                hook(core, sp)
            before = core.cycles
            step()
            spent = core.cycles - before
            name = stack[-1][2]
            if name is None:
                name = stack[-2][2]
                seeking[name] += spent
            cycles[name] += spent
            if part:
                parts[part(pc)] += spent

    def _push(self, core, sp, name):
        self.stack.append((core.lr & ~1, sp, name))

    def _call(self, core, sp):
        name = self.objects.name(core.registers[0])
        self.trace.calls[name] += 1
        if sp < self.trace.entered[name]:
            self.trace.entered[name] = sp
        self._fresh = True
        self._push(core, sp, name)

    def _resume(self, core, sp):
        name = self.objects.name(self.objects.word(core.registers[0]))
        if not self._fresh:
            self.trace.resumes[name] += 1
        self._fresh = False
        self._push(core, sp, name)

    def _kernel(self, core, sp):
        name = self.objects.kernel(core.registers[0])
        self.trace.kernels[name] += 1
        self._push(core, sp, name)

    def _seek(self, core, sp):
        if self.stack[-1][2] is not None:  # else within itself
            self._push(core, sp, None)

    def _sought(self, result):
        if result:
            self.trace.found += 1
        else:
            self.trace.failed += 1

    _fresh = False

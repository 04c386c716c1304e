"""Taking so much of the machine that others are not graded, and staying on it afterwards."""

from tests.attacks.attack import NOWHERE, STOCK, UNLOCKED, Attack

GROUP = "resources"
SCALE = "def scale(x, a):\n    {}\n    return x * a\n"
SLOW, DEAD = "it took longer than", "ended the Python process"
TOO_MUCH = f"wrote too much|No space left|{SLOW}"  # a slow disk gives the clock the first word


def takes(name: str, gains: str, source: str, tells: str, works: str = UNLOCKED) -> Attack:
    return Attack(GROUP, name, gains, (source,), tells=tells, works=works)


ATTACKS = [
    takes("an endless loop", "a processor for ever", "while True: pass", SLOW, NOWHERE),
    takes(
        "a loop that ignores signals",
        "a processor for ever",
        "import signal\n"
        "for number in signal.valid_signals():\n"
        "    try: signal.signal(number, signal.SIG_IGN)\n"
        "    except (OSError, ValueError): pass\n"
        "while True:\n"
        "    try:\n"
        "        while True: pass\n"
        "    except BaseException: pass",
        SLOW,
        NOWHERE,
    ),
    takes("an endless loop in C", "a processor that no interrupt frees", "sum(iter(int, 1))", SLOW, NOWHERE),
    takes("sleep", "a place in the queue for ever", "import time\ntime.sleep(1e6)", SLOW, NOWHERE),
    takes(
        "a stopped process",
        "a place in the queue for ever",
        "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)",
        SLOW,
        NOWHERE,
    ),
    takes(
        "a wait that looks like one for a disk",
        "a place in the queue for as long as a busy machine would be forgiven",
        "import ctypes\n"
        "libc = ctypes.CDLL(None)\n"
        "stack = ctypes.create_string_buffer(1 << 20)\n"
        "top = ctypes.c_void_p((ctypes.addressof(stack) + (1 << 20) - 64) & ~15)\n"
        "vfork_a_thread = 0x14F00  # CLONE_VM, _FS, _FILES, _SIGHAND, _VFORK, _THREAD\n"
        "sleep = ctypes.cast(libc.sleep, ctypes.c_void_p)\n"
        "print('clone:', libc.clone(sleep, top, vfork_a_thread, ctypes.c_void_p(1_000_000)))",
        "clone: -1",
        NOWHERE,
    ),
    takes(
        "waits for all processors",
        "a place in the queue for as long as a busy machine would be forgiven",
        "import ctypes, os, platform\n"
        "membarrier = {'x86_64': 324, 'aarch64': 283}[platform.machine()]\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "while libc.syscall(membarrier, 1, 0, 0) == 0: pass\n"
        "print(os.strerror(ctypes.get_errno()))",
        "Operation not permitted",
        NOWHERE,
    ),
    takes(
        "a lock on oneself",
        "a place in the queue for ever",
        "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()",
        SLOW,
        NOWHERE,
    ),
    Attack(
        GROUP,
        "a function that never returns",
        "a place in the queue for each case of each check",
        answers={"scale": "import time\n" + SCALE.format("time.sleep(1e6)")},
        tells=SLOW,
        works=NOWHERE,
    ),
    takes(
        "memory at once",
        "the machine's memory",
        "import mmap\ngained(len(mmap.mmap(-1, 6 << 30)))",
        "Cannot allocate memory",
    ),
    takes(
        "memory in pieces",
        "the machine's memory",
        "import numpy as np\nhoard = []\n"
        "while len(hoard) < 24: hoard.append(np.zeros(1 << 28, np.uint8))\ngained()",
        f"MemoryError|{SLOW}",
    ),
    takes(
        "threads",
        "every process number of the machine",
        "import threading\n"
        "threading.stack_size(64 << 10)\n"
        "stop, started = threading.Event(), 0\n"
        "try:\n"
        "    for started in range(1200): threading.Thread(target=stop.wait, daemon=True).start()\n"
        "    gained(started)\n"
        "finally:\n"
        "    stop.set()",
        "can't start new thread",
    ),
    takes(
        "threads that outlive their cell",
        "the processor of all later cells, and of the next student",
        "import threading\n"
        "def spin():\n"
        "    while True: pass\n"
        "for _ in range(2): threading.Thread(target=spin).start()",
        "not attempted",
        NOWHERE,
    ),
    takes(
        "processes",
        "every process number of the machine",
        "import os, time\n"
        "for _ in range(3):\n"
        "    if os.fork() == 0:\n"
        "        time.sleep(60)\n"
        "        os._exit(0)\n"
        "gained()",
        "PermissionError",
    ),
    takes(
        "a daemon",
        "a process that nobody ends",
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0: time.sleep(60)\n"
        "    os._exit(0)",
        "PermissionError",
    ),
    takes(
        "a pool of processes",
        "all processors",
        "import multiprocessing\nmultiprocessing.get_context('fork').Process(target=print).start()\ngained()",
        "PermissionError",
    ),
    takes(
        "a program",
        "whatever is installed",
        "import subprocess\ngained(subprocess.run(['/bin/echo'], check=True))",
        "PermissionError",
    ),
    takes(
        "a shell",
        "whatever is installed",
        "import os\nif os.system('exit 3') >> 8 == 3: gained()\nelse: print('no shell')",
        "no shell",
    ),
    takes(
        "a line of the notebook for the shell",
        "whatever is installed",
        "got = !echo gain\nif 'gain' in str(got): gained(got)",
        "not run when graded|Error|error|denied",
        STOCK,
    ),
    takes(
        "a flood of text",
        "pages that no browser opens",
        "import sys\nfor _ in range(30): sys.stdout.write('x' * (1 << 20))",
        f"output cut|x{{200}}|{SLOW}",
        STOCK,
    ),
    takes(
        "a flood of pictures",
        "pages that no browser opens",
        "from IPython.display import display\n"
        "for i in range(11_000): display({'text/plain': 'x' * 999}, raw=True)",
        "xxx",
        STOCK,
    ),
    takes(
        "a picture of a gigabyte",
        "the grader's memory",
        "from IPython.display import display\n"
        "display({'image/png': 'iVBORw0KGgo' + 'A' * (40 << 20)}, raw=True)",
        f"too large|prints too much|disturbed the grading|{SLOW}|seen",
        STOCK,
    ),
    takes(
        "a disk full of files",
        "a machine without room, where nobody is graded",
        "size = 0\n"
        "for number in range(20):\n"
        "    with open(f'waste-{number}', 'wb') as file: size += file.write(bytes(30 << 20))\n"
        "gained(size)",
        TOO_MUCH,
    ),
    takes(
        "room that is claimed and not written",
        "a machine without room, at once",
        "import os\n"
        "for number in range(30):\n"
        "    with open(f'claim-{number}', 'wb') as file: os.posix_fallocate(file.fileno(), 0, 60 << 20)\n"
        "gained()",
        "OSError|PermissionError",
    ),
    takes(
        "a sea of files",
        "a disk without room for names",
        "for number in range(12_000): open(f'small-{number}', 'w').close()\ngained()",
        TOO_MUCH,
    ),
    takes(
        "a file of a terabyte",
        "a machine without room",
        "with open('big', 'wb') as file: file.truncate(1 << 40)\ngained()",
        "File too large",
    ),
    takes(
        "files that stay open",
        "every file that the machine can open",
        "import os\nopened = [os.open('/dev/null', os.O_RDONLY) for _ in range(900)]\ngained(len(opened))",
        "Too many open files",
    ),
    takes(
        "shared memory",
        "memory that outlives the process",
        "from multiprocessing.shared_memory import SharedMemory\n"
        "memory = SharedMemory(create=True, size=1 << 20)\n"
        "gained(memory.name)\nmemory.unlink()",
        "PermissionError|FileNotFoundError",
    ),
    takes("a crash", "an error in the grader", "import ctypes\nctypes.string_at(0)", DEAD, NOWHERE),
    takes("an abort", "an error in the grader", "import os\nos.abort()", DEAD, NOWHERE),
    takes(
        "recursion without end",
        "an error in the grader",
        "import sys\nsys.setrecursionlimit(1 << 30)\nf = lambda x: f(f(x))\nf(0)",
        f"{DEAD}|{SLOW}|RecursionError",
        NOWHERE,
    ),
    Attack(
        GROUP,
        "answers of a hundred megabytes",
        "the grader's memory",
        cells=(
            "import os, struct, json\n"
            "def flood():\n"
            "    size = 100 << 20\n"
            "    text = json.dumps({'status': 'values', 'arrays': [['y', '|u1', [size]]]}).encode()\n"
            "    os.write(11, struct.pack('<I', len(text)) + text)\n"
            "    for _ in range(100): os.write(11, bytes(1 << 20))\n",
        ),
        answers={"scale": SCALE.format("flood()")},
        tells=f"disturbed the grading|shape|{SLOW}",
        works=NOWHERE,
    ),
    Attack(
        GROUP,
        "a function that asks without end",
        "the reference's processor",
        answers={
            "scale_centered": "def scale_centered(x, a, scale=None):\n    while True: y = scale(x, a)\n"
        },
        tells=f"{SLOW}|disturbed",
        works=NOWHERE,
    ),
]

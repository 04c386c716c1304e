"""Reading what a student must not know: answers, the course's secret, other people's work."""

from tests.attacks.attack import STOCK, Attack

GROUP = "stealing"
SCALE = "def scale(x, a):\n    {}\n"


def reads(name: str, gains: str, *cells: str, tells: str = "PermissionError|FileNotFoundError") -> Attack:
    return Attack(GROUP, name, gains, cells, tells=tells)


FRAMES = """
import sys

def scale(x, a):
    frame = sys._getframe()
    while frame:
        for names in (frame.f_locals, frame.f_globals):
            if "expected" in names:
                return names["expected"]
            for value in list(names.values()):
                arrays = getattr(getattr(value, "expected", None), "arrays", None)
                if arrays:
                    return arrays["y"]
        frame = frame.f_back
"""

COLLECTOR = """
import gc

def scale(x, a):
    for thing in gc.get_objects():
        if type(thing) is dict and getattr(thing.get("expected"), "shape", None) == x.shape:
            return thing["expected"]
        if type(thing).__name__ == "Case":
            return thing.expected.arrays["y"]
"""

# Tests that nobody has seen: in the text of a cell, in a cache of sources, or as functions in memory.
HIDDEN_TESTS = """
import gc, linecache, types

texts = ["".join(entry[2]) for entry in linecache.cache.values() if len(entry) == 4]
texts += [t for t in get_ipython().user_ns.get("In", []) if isinstance(t, str)]
for thing in gc.get_objects():
    if isinstance(thing, types.FunctionType) and thing.__code__.co_filename == "<checks>":
        texts.append(thing.__name__)
hidden = [t for t in texts if "scales_by_zero" in t and "hidden = [t" not in t]
if hidden:
    gained(hidden)
"""

ATTACKS = [
    reads(
        "the solutions",
        "the reference solution of every exercise",
        "print(open(course + '/solutions/77-tiny/tiny_numpy.py').read())",
    ),
    reads(
        "the built masters",
        "the solved notebooks that nbgrader is given",
        "print(open(course + '/_build/masters/77-tiny/tiny_numpy.ipynb').read())",
    ),
    reads(
        "the secret of the course",
        "the seed of all hidden inputs, of this unit and of all others",
        "print(open(course + '/.secret').read())",
    ),
    reads(
        "another submission",
        "a neighbour's answers",
        "import glob, os\nfolder = course + '/submitted'\n"
        "for student in os.listdir(folder):\n"
        "    for path in glob.glob(folder + '/' + student + '/*/*.ipynb'):\n"
        "        if 'honest' in path: print(open(path).read())",
    ),
    reads("the gradebook", "everybody's marks", "print(open(course + '/gradebook.db').read())"),
    reads("the instructor's home", "a private key", "print(open(home + '/.ssh/id').read())"),
    Attack(
        GROUP,
        "the environment of the grader",
        "tokens and passwords of the instructor",
        (
            "import os\nprint(dict(os.environ))",
            "print(open(f'/proc/{victim}/environ').read())",
        ),
        tells="PermissionError|FileNotFoundError",
    ),
    reads(
        "the environment of the parent",
        "what the process that started this one was given",
        "import os\nprint(open(f'/proc/{os.getppid()}/environ').read())\ngained()",
    ),
    reads(
        "the memory of the grader",
        "hidden inputs and expected arrays",
        "open(f'/proc/{victim}/mem', 'rb').close()\ngained()",
    ),
    reads(
        "the command lines of others",
        "who else is on the machine, and with what",
        "import glob\nfound = [open(p).read() for p in glob.glob('/proc/[0-9]*/cmdline')]\n"
        "if found: gained(len(found))\nelse: open(f'/proc/{victim}/cmdline')",
    ),
    reads(
        "the scratch folders of others",
        "what other hand-ins write while they are graded",
        "import os\ngained(os.listdir(os.path.dirname(os.getcwd())))",
    ),
    Attack(
        GROUP,
        "the names in the frames of the caller",
        "the expected array, returned as the answer",
        answers={"scale": FRAMES},
        tells="None|is not defined",
        works=STOCK,
    ),
    Attack(
        GROUP,
        "the objects of the garbage collector",
        "the expected array, returned as the answer",
        answers={"scale": COLLECTOR},
        tells="None|is not defined",
        works=STOCK,
    ),
    Attack(
        GROUP,
        "hidden tests in memory",
        "what is asked in secret, to hand on to next year's class",
        answers={"scale": HIDDEN_TESTS + SCALE.format("return x")},
        last=HIDDEN_TESTS,
        works=STOCK,
    ),
    Attack(
        GROUP,
        "hidden inputs kept for a later cell",
        "the hidden inputs, printed under a cell of one's own",
        cells=("met = []",),
        answers={"scale": SCALE.format("met.append(x.shape); return x")},
        last="if (5, 2) in met: gained(met)\nelse: print('met', len(met))",
        tells="met [13]",
        works=STOCK,
    ),
    Attack(
        GROUP,
        "hidden inputs in an error message",
        "the hidden inputs, in the feedback",
        answers={
            "scale": SCALE.format(
                "if x.shape == (5, 2): raise ValueError('GAI' + f'NED {x}')\n    return x * a"
            )
        },
        points=1.5,
        tells="on hidden inputs: your code raised an error",
        works=STOCK,
    ),
    Attack(
        GROUP,
        "hidden inputs in a file",
        "the hidden inputs, for the next hand-in to read",
        cells=(
            "import os\n"
            "def keep(x):\n"
            "    above = os.path.dirname(os.getcwd())\n"
            "    for folder in (outside, course, home, above, '/tmp', '/dev/shm', '/var/tmp'):\n"
            "        try:\n"
            "            open(folder + '/kept-by-an-attack', 'a').write(repr(x))\n"
            "        except OSError as error:\n"
            "            print(error)\n"
            "keep('tried')",
        ),
        answers={"scale": SCALE.format("keep(x); return x")},
        tells="Permission denied|No such file",
    ),
    reads(
        "torch where NumPy is asked for",
        "the library's own layer in place of one's own code",
        "import importlib.util\ngained(open(importlib.util.find_spec('torch').origin).read(9))",
        tells="Error",
    ),
]

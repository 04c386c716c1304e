"""Being right without an answer: whatever decides in a grader as usual, decided by the student."""

from tests.attacks.attack import NOWHERE, STOCK, Attack

GROUP = "forging"
NOT_ATTEMPTED = "not attempted"


def forges(name: str, gains: str, *cells: str, tells: str = NOT_ATTEMPTED) -> Attack:
    return Attack(GROUP, name, gains, cells, tells=tells, works=STOCK)


def answers(
    name: str, gains: str, tells: str, works: str = STOCK, points: float = 0, **sources: str
) -> Attack:
    return Attack(GROUP, name, gains, answers=sources, tells=tells, works=works, points=points)


# The result descriptor is the one that the parent reads, so anybody may write there: but only arrays.
SEND = """
import json, os, struct

def send(header, body=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    os.write(11, struct.pack("<I", len(text)) + text + body)
"""


def frame(
    name: str, gains: str, source: str, points: float = 0, tells: str = "disturbed the grading"
) -> Attack:
    body = "def scale(x, a):\n    {}\n    return x * a\n".format(source.replace("\n", "\n    "))
    return Attack(GROUP, name, gains, (SEND,), {"scale": body}, points=points, tells=tells, works=NOWHERE)


ATTACKS = [
    Attack(
        GROUP,
        "check itself",
        "the points of every check that is called by name",
        answers={"center": "check = lambda f: None\ndef center(x):\n    return x, x\n"},
        tells="largest at centered",
        works=STOCK,
    ),
    forges(
        "the engine's own judge",
        "a pass from the code that decides",
        "import sys\nfrom autograder import compare, running, student, verdict\n"
        "passed = lambda questions, *_: [verdict.Verdict(q.name, 'passed') for q in questions]\n"
        "verdict.judge = student.judge = passed\n"
        "compare.difference = compare.agree = verdict.difference = lambda *_: None\n"
        "running.run_probe = student.run_probe = lambda *_: running.Outcome('values')\n"
        "for name, module in list(sys.modules.items()):\n"
        "    if name.startswith('autograder.') and hasattr(module, 'run_probe'):\n"
        "        module.run_probe = running.run_probe",
        tells="returned nothing, expected",
    ),
    Attack(
        GROUP,
        "numpy.testing",
        "the points of every test that uses it",
        (
            "import numpy as np\nfor name in dir(np.testing):\n"
            "    if name.startswith('assert'): setattr(np.testing, name, lambda *_, **__: None)",
        ),
        {"scale": "def scale(x, a):\n    return x\n"},
        tells="largest at y",
        works=STOCK,
    ),
    Attack(
        GROUP,
        "builtins",
        "the points of every test that uses them",
        ("import builtins\nbuiltins.all = builtins.any = lambda *_: True",),
        {"scale_centered": "def scale_centered(x, a, scale=None):\n    return x\n"},
        tells="wrong|disturbed|ended|largest",
        works=STOCK,
    ),
    forges(
        "IPython's input transformers",
        "tests without a line of code",
        "get_ipython().input_transformers_cleanup.append(lambda lines: [])",
        tells="does not define it|not attempted",
    ),
    forges(
        "IPython's syntax trees",
        "tests without an assert",
        "import ast\n"
        "class Without(ast.NodeTransformer):\n"
        "    def visit_Expr(self, node): return ast.copy_location(ast.Pass(), node)\n"
        "    visit_Assert = visit_Expr\n"
        "get_ipython().ast_transformers.append(Without())",
    ),
    forges(
        "IPython's run_cell",
        "tests that are never run",
        "from types import SimpleNamespace\n"
        "get_ipython().run_cell = lambda *_, **__: SimpleNamespace(success=True, result=None)",
    ),
    forges(
        "IPython's tracebacks",
        "errors that nobody sees, which a grader as usual takes for none",
        "get_ipython().set_custom_exc((BaseException,), lambda *_, **__: None)",
    ),
    forges(
        "hooks after each cell",
        "functions, replaced just before they are tested",
        "import builtins\n"
        "class Forgiving(dict):\n"
        "    def __missing__(self, name): return lambda *_, **__: None\n"
        "def forgive(*_):\n"
        "    shell = get_ipython()\n"
        "    for name in ('check', 'assert_allclose'):\n"
        "        shell.user_ns[name] = lambda *_, **__: None\n"
        "    import numpy\n"
        "    numpy.testing.assert_allclose = lambda *_, **__: None\n"
        "    shell.user_ns['scale'] = lambda x, a: None\n"
        "get_ipython().events.register('pre_run_cell', forgive)",
        tells="None|not attempted",
    ),
    answers(
        "an object that equals everything",
        "the points of every test that compares with ==",
        "array of numbers was expected|different shapes|ended the Python process",
        scale_centered="class Yes:\n"
        "    def __eq__(self, other): return self\n"
        "    def __getattr__(self, name): return lambda *_, **__: [True]\n"
        "    def __bool__(self): return True\n"
        "    __hash__ = None\n"
        "def scale_centered(x, a, scale=None):\n    return Yes()\n",
    ),
    answers(
        "an array that answers for NumPy",
        "the points of every test that asks a function of NumPy",
        "largest at y",
        scale="import numpy as np\n"
        "class Liar(np.ndarray):\n"
        "    def __array_function__(self, function, *_): return np.array(True)\n"
        "    def __array_ufunc__(self, *_, **__): return np.zeros(self.shape, bool)\n"
        "def scale(x, a):\n    return x.view(Liar)\n",
    ),
    answers(
        "an array that is made when asked",
        "the other side of the comparison, as its own answer",
        "largest at y|raised|Error",
        scale="import numpy as np\n"
        "class Echo:\n"
        "    def __init__(self, x): self.x = x\n"
        "    def __array__(self, dtype=None, copy=None):\n"
        "        import sys\n"
        "        frame = sys._getframe()\n"
        "        while frame:\n"
        "            for key in ('desired', 'expected', 'wanted', 'b'):\n"
        "                if isinstance(frame.f_locals.get(key), np.ndarray): return frame.f_locals[key]\n"
        "            frame = frame.f_back\n"
        "        return np.array(self.x)\n"
        "def scale(x, a):\n    return Echo(x)\n",
    ),
    answers(
        "NaN",
        "the points of tests that ask for a difference above a bound",
        "is nan, expected",
        center="import numpy as np\ndef center(x):\n    return x * np.nan, x[0] * np.nan\n",
    ),
    answers(
        "infinity",
        "a bound that has become infinite too",
        "is inf, expected|is -inf, expected",
        works=NOWHERE,
        scale="import numpy as np\ndef scale(x, a):\n    return x * np.inf\n",
    ),
    answers(
        "half precision",
        "full marks for numbers with three digits",
        "relative error",
        points=1.5,  # zeros are right in every precision
        scale="import numpy as np\ndef scale(x, a):\n    return (x * a).astype(np.float16)\n",
    ),
    answers(
        "a truth value",
        "equality after a cast that loses the number",
        "True/False values",
        works=NOWHERE,
        scale="def scale(x, a):\n    return (x * a).astype(bool)\n",
    ),
    answers(
        "aliasing",
        "an expected value that is computed from what the function overwrote",
        "changed its input x in place",
        scale_centered="def scale_centered(x, a, scale=None):\n    x[:] = 0\n    return x\n",
    ),
    answers(
        "a table of the released cases",
        "the points of checks whose inputs were released",
        "on hidden inputs",
        center="import numpy as np\ndef center(x):\n"
        "    for known, centered, mu in public:\n"
        "        if np.array_equal(np.array(known), x): return np.array(centered), np.array(mu)\n"
        "    return x, x[0]\n",
    ),
    answers(
        "the name of what is tested",
        "a test that rejects by name and computes nothing",
        "your test",
        test_scale="def test_scale(implementation):\n    assert implementation.__code__.co_name == 'scale'\n",
    ),
    answers(
        "the order of what is tested",
        "a test that counts its calls and computes nothing",
        "your test",
        test_scale="calls = []\n"
        "def test_scale(implementation):\n    calls.append(1)\n    assert len(calls) == 1\n",
    ),
    Attack(
        GROUP,
        "the reference's answers",
        "full marks for an exercise, from the function that another exercise is given",
        answers={
            "scale": "asked, known = [], {}\n"
            "def scale(x, a):\n"
            "    if (x.tobytes(), a) in known: return known[x.tobytes(), a]\n"
            "    asked.append((x.copy(), a))\n"
            "    raise ValueError('later')\n",
            "scale_centered": "def scale_centered(x, a, scale=scale):\n"
            "    for old, by in asked: known[old.tobytes(), by] = scale(old, by)\n"
            "    return scale(x - x.mean(axis=0), a)\n",
        },
        points=2,
        tells="only after the last cell.*raised an error",
        works=NOWHERE,
    ),
    Attack(
        GROUP,
        "a pickle",
        "code that runs where the answers are",
        (SEND,),
        {
            "scale": "import pickle\n"
            "class Bomb:\n"
            "    def __reduce__(self): return eval, (\"open(outside + '/bomb', 'w')\",)\n"
            "def scale(x, a):\n"
            "    os.write(11, pickle.dumps(Bomb()))\n"
            "    return Bomb()\n"
        },
        tells="disturbed the grading|array of numbers was expected",
        works=NOWHERE,
    ),
    frame(
        "a frame that says passed",
        "a verdict, written by the student",
        "send({'status': 'passed', 'arrays': []})",
    ),
    frame(
        "a frame that says right",
        "a verdict, written by the student",
        "send({'status': 'values', 'passed': True, 'points': 3, 'arrays': []})",
        tells="returned nothing, expected y",
    ),
    frame(
        "a frame with a list for a status",
        "an error in the grader",
        "send({'status': ['values'], 'arrays': []})",
    ),
    frame(
        "a frame with a list for a dtype", "an error in the grader", "send({'arrays': [['y', ['f8'], [1]]]})"
    ),
    frame(
        "a frame without end",
        "a grader that waits for ever, or has no memory left",
        "os.write(11, b'\\xff' * 4)",
    ),
    frame(
        "a frame of a petabyte", "the grader's memory", "send({'arrays': [['y', '<f8', [1 << 39, 1 << 8]]]})"
    ),
    frame(
        "a frame with an array too wide",
        "an error in the grader",
        "send({'status': 'values', 'arrays': [['y', '<f8', [0, 1 << 39, 1 << 39]]]})",
    ),
    frame("a frame nested deeply", "an error in the grader", "send(b'[' * 60000)"),
    frame(
        "a frame with a number too long",
        "an error in the grader",
        "send(b'{\"status\": ' + b'9' * 50000 + b'}')",
    ),
    frame(
        "a call nested deeply",
        "an error in the grader",
        "send({'call': 'scale', 'arrays': [], 'args': eval('[' * 90 + ']' * 90), 'options': {}})",
    ),
    Attack(
        GROUP,
        "a thread that answers for later cells",
        "answers that are there before the question is asked",
        (
            SEND,
            "import threading, time\n"
            "def answer():\n"
            "    while True:\n"
            "        send({'status': 'values', 'arrays': [['y', '<f8', [4, 3]]]}, bytes(96))\n"
            "        time.sleep(0.01)\n"
            "threading.Thread(target=answer).start()",
        ),
        tells="disturbed the grading|largest at y",
        works=NOWHERE,
    ),
    frame(
        "a frame after each answer",
        "an answer for the next question, known before it is asked",
        "send({'status': 'values', 'arrays': [['y', '<f8', [4, 3]]]}, bytes(96))",
        tells="y",
    ),
]

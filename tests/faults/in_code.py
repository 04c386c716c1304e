"""What innocent code does to the process that runs it, and to the cells that come after."""

from __future__ import annotations

from tests.faults.fault import Fault, above, answer, below, both, own

PRODUCT, MEAN = "secret_product = x * a", "mu = x.mean(axis=0)"
uses_np = both(
    answer(MEAN, "mu = np.mean(x, axis=0)"), answer("x - x.mean(axis=0)", "x - np.mean(x, axis=0)")
)
uses_sum = answer(MEAN, "mu = sum(x) / len(x)")

IN_CODE = {
    # the process ends, or does not
    "sys.exit in a cell": Fault(own("import sys\nsys.exit(1)")),
    "sys.exit above a definition": Fault(
        above("scale", "import sys\nsys.exit()"), told="Only its definitions"
    ),
    "sys.exit in a function": Fault(answer(PRODUCT, "import sys; sys.exit(3)"), {"scale": 0}, "SystemExit"),
    "a KeyboardInterrupt in a function": Fault(
        answer(PRODUCT, "raise KeyboardInterrupt"), {"scale": 0}, "KeyboardInterrupt"
    ),
    "a KeyboardInterrupt above a definition": Fault(
        above("scale", "def ask(n=exec('raise KeyboardInterrupt')): pass"),
        told="Only its definitions",
    ),
    "exit() in a cell": Fault(own("exit()", "quit")),
    "exit() in a function": Fault(answer(PRODUCT, "exit()"), {"scale": 0}, "exit"),
    "os._exit in a cell": Fault(own("import os\nos._exit(0)"), told="ended the Python process"),
    "C code that kills a cell": Fault(
        own("import ctypes\nctypes.string_at(0)"), told="ended the Python process"
    ),
    "C code that kills a function": Fault(
        answer(PRODUCT, "import ctypes; ctypes.string_at(0)"), {"scale": 0}, "ended the Python process"
    ),
    "C code that kills the cell of an answer": Fault(
        below("center", "import ctypes\nctypes.string_at(0)"), told="Only its definitions"
    ),
    "a loop without end in a cell": Fault(
        own("import time\nwhile True:\n    time.sleep(0.1)"), told="longer than"
    ),
    "a loop without end in a function": Fault(
        answer(PRODUCT, "import time\n    while True: time.sleep(0.1)"), {"scale": 0}, "longer than"
    ),
    "a loop without end below a definition": Fault(
        below("scale", "import time\nwhile True:\n    time.sleep(0.1)"), told="Only its definitions"
    ),
    "deep recursion": Fault(answer(PRODUCT, "return scale(x, a)"), {"scale": 0}, "RecursionError"),
    "deep recursion in a cell": Fault(own("def f(): return f()\nf()")),
    "a low bound on recursion": Fault(own("import sys\nsys.setrecursionlimit(90)", before="center")),
    "too much memory": Fault(
        own("import numpy as np\nblocks = [np.ones(2**29) for _ in range(4)]"), told="MemoryError"
    ),
    # what is asked of somebody who is not there
    "input() in a cell": Fault(own("n = int(input('n? '))"), told="input() gets no answer"),
    "input() above a definition": Fault(above("scale", "n = int(input('n? '))"), told="Only its definitions"),
    "input() in a function": Fault(
        answer(PRODUCT, "a = float(input())"), {"scale": 0}, "input() gets no answer"
    ),
    "a forgotten breakpoint": Fault(answer(PRODUCT, "breakpoint(); secret_product = x * a")),
    "a forgotten debugger": Fault(answer(PRODUCT, "import pdb; pdb.set_trace()"), {"scale": 0}, "BdbQuit"),
    # cells that fail
    "a syntax error in one cell": Fault(answer(PRODUCT, "secret_product = x *"), {"scale": 0}, "SyntaxError"),
    "a syntax error in an added cell": Fault(own("for in range(3)"), told="SyntaxError"),
    "half a definition": Fault(
        answer(PRODUCT, "if x is not None:"), {"scale": 0}, "its cell failed (IndentationError"
    ),
    "a package that is not there": Fault(
        own("import seaborn as sns\nsns.set()"), told="No module named 'seaborn'"
    ),
    "a package that is not there, above a definition": Fault(
        above(
            "scale", "import seaborn as sns\nfrom google.colab import drive\ndrive.mount('/content/drive')"
        ),
        told="Only its definitions",
    ),
    "a file that is not there": Fault(
        above("center", "data = open('/home/me/data.csv').read()"), told="Only its definitions"
    ),
    "a definition under another name": Fault(
        answer("def scale(x, a)", "def my_scale(x, a)"), {"scale": 0}, "its cell does not define it"
    ),
    "an example that fails": Fault(below("center", "print(center(3))"), told="AttributeError"),
    "warnings as errors": Fault(
        both(
            own("import warnings\nwarnings.simplefilter('error')"),
            answer(PRODUCT, "np.log(0 * x); secret_product = x * a"),
        )
    ),
    "warnings as errors, and one at a definition": Fault(
        both(own("import warnings\nwarnings.simplefilter('error')"), above("scale", "np.log(np.zeros(1))")),
        told="Only its definitions",
    ),
    # names that mean something else than before
    "np is a number": Fault(both(uses_np, own("np = 3"))),
    "np is a number where a default is defined": Fault(
        both(own("np = 3"), answer("def center(x)", "def center(x, dtype=np.float64)"), uses_np)
    ),
    "np is gone": Fault(both(uses_np, own("del np"))),
    "np is a loop's variable": Fault(both(uses_np, own("for np in range(3): pass", before="center"))),
    "all names are gone": Fault(both(uses_np, own("%reset -f", before="center"))),
    "a builtin is a number": Fault(both(uses_sum, own("sum = 0\nlen = 3", before="center")), told="center"),
    "print is a text": Fault(
        both(own("print = 'x'"), answer(PRODUCT, "print(x); secret_product = x * a")), told="scale"
    ),
    "an exercise's name is used again below": Fault(own("scale = 2.0\ncenter = None", before="question-why")),
    "a star import": Fault(own("from numpy import *\nfrom math import *", before="center")),
    "seed is a number": Fault(own("import random\nimport numpy as np\nnp.random.seed = 42\nrandom.seed = 1")),
    "a seed of one's own": Fault(
        own("import numpy as np\nnp.random.seed(0)\nrng = np.random.default_rng(1)")
    ),
    "standard output is closed": Fault(
        own("import sys\nsys.stdout.close()\nsys.stderr = None", before="center")
    ),
    "pyplot is gone": Fault(
        own(
            "import sys\nfor name in list(sys.modules):\n"
            "    if name.startswith('matplotlib'): del sys.modules[name]"
        )
    ),
    "numpy's errors are raised": Fault(
        both(
            own("import numpy as np\nnp.seterr(all='raise')"),
            answer(PRODUCT, "x / np.zeros(1); secret_product = x * a"),
        )
    ),
    "another working directory": Fault(
        own("import os\nos.makedirs('a/b')\nos.chdir('a/b')\n", "%cd /tmp", before="center")
    ),
    "an alarm that was set": Fault(
        own("import signal\nsignal.signal(signal.SIGALRM, lambda *_: None)\nsignal.alarm(1)")
    ),
    # what notebooks understand and Python does not
    "an unknown magic": Fault(own("%tensorflow_version 2.x"), told="tensorflow_version"),
    "an unknown magic above a definition": Fault(above("scale", "%fancy on"), told="Only its definitions"),
    "an unknown cell magic": Fault(own("%%fancy\nx = 1")),
    "usual magics": Fault(
        above(
            "scale",
            "%matplotlib widget\n%load_ext autoreload\n%autoreload 2\n"
            "%config InlineBackend.figure_format = 'retina'",
        )
    ),
    "a timed definition": Fault(above("scale", "%%time")),
    "%%bash": Fault(own("%%bash\nls -la"), told="not run when graded"),
    "!pip install": Fault(
        above("scale", "!pip install numpy\n%pip install torch\nfiles = !ls"), told="not run when graded"
    ),
    "a module written by a cell": Fault(
        both(
            own("%%writefile helpers.py\ndef times(x, a):\n    return x * a"),
            above("scale", "from helpers import times"),
            answer(PRODUCT, "secret_product = times(x, a)"),
        )
    ),
    "top-level await": Fault(
        both(
            own(
                "import asyncio\nasync def factor():\n    await asyncio.sleep(0.01)\n    return 1.0",
                "one = await factor()",
            ),
            answer(PRODUCT, "secret_product = x * a * one"),
        )
    ),
    "top-level await of threads": Fault(
        both(
            own(
                "import asyncio\n"
                "one = sum(await asyncio.gather(*(asyncio.to_thread(float, 1) for _ in range(2)))) / 2"
            ),
            answer(PRODUCT, "secret_product = x * a * one"),
        )
    ),
    "await beside a definition": Fault(above("scale", "import asyncio\nawait asyncio.sleep(0)")),
    "asyncio.run": Fault(
        own("import asyncio\nasync def f():\n    await asyncio.sleep(0.01)\nasyncio.run(f())")
    ),
    "from __future__": Fault(above("scale", "from __future__ import annotations")),
    "the check called again": Fault(
        own("check(scale)", "check(scale)\ncheck(center)", before="question-why")
    ),
    "the check called in an answer": Fault(below("scale", "check(scale)")),
    # much of everything
    "print in a loop": Fault(own("for i in range(30_000):\n    print(i)"), told="output cut"),
    "one line of 50 MB": Fault(own("print('x' * 50_000_000)"), told="output cut"),
    "a function that prints": Fault(answer(PRODUCT, "print('x' * 1_000_000); secret_product = x * a")),
    "plots by the dozen": Fault(
        own(
            "import matplotlib.pyplot as plt\nfor _ in range(30):\n"
            "    plt.figure(figsize=(1, 1))\n    plt.show()"
        ),
        told="18 more figures",
    ),
    "a picture of 20 MB": Fault(
        own(
            "import io\nfrom IPython.display import Image, display\n"
            "display(Image(b'\\x89PNG\\r\\n\\x1a\\n' + bytes(20_000_000), format='png'))"
        ),
        told="picture left out",
    ),
    "a backend with windows": Fault(
        above(
            "scale",
            "import matplotlib\nmatplotlib.use('TkAgg')\nimport matplotlib.pyplot as plt\n"
            "plt.switch_backend('Qt5Agg')\nplt.plot([1])\nplt.show()",
        )
    ),
    # what is returned
    "a generator is returned": Fault(
        answer("return secret_product", "return (row for row in x * a)"), {"scale": 0}, "generator"
    ),
    "a generator in place of a function": Fault(
        answer("return secret_product", "yield secret_product"), {"scale": 0}, "generator"
    ),
    "a coroutine in place of a function": Fault(
        answer("def scale(x, a)", "async def scale(x, a)"), {"scale": 0}, "coroutine"
    ),
    "nothing is returned": Fault(
        answer("return secret_product", "pass"), {"scale": 0}, "is a `return` missing?"
    ),
    "far too much is returned": Fault(
        answer("return secret_product", "return np.ones((1200, 1000))"), {"scale": 0}, "too large to compare"
    ),
    "a test that asks too much": Fault(
        answer("x = np.array([[1.0, -2.0, 3.0]])", "x = np.ones((4000, 4000))"), {"test_scale": 0}
    ),
}

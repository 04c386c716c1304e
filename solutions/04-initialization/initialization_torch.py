# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Initialization and skip connections in PyTorch
#
# A network of twenty layers does not learn, and nothing in it is wrong.
# Here you write the tools that show why, for any PyTorch model: how far the signal gets on the way up,
# how far the gradient gets on the way down, and which units are dead.
# Then you write what helps: weights of the right size, an activation with a backward pass of its own,
# a residual block, and the start at which every block does nothing.
# At the end your pieces go into deep networks, and you see which of them learn again.
#
# **Time.** About two hours, the experiments included.
#
# **Devices.** Make new tensors where the old ones are, and of their dtype.
# Change a parameter in place, and it stays where it is.
#
# **Not allowed.** PyTorch's own `nn.init.kaiming_...` and `nn.init.xavier_...`, `elu`, `nn.ELU`:
# they are what you are building. The checks do not notice it; it is flagged to the instructor.
# `nn.init.normal_` and `nn.init.zeros_` are allowed.
#
# `eq. (…)` is an equation of the chapter *Activations, initialization and skip connections*.

# %%
import copy
import math

import torch
from torch import nn

import autograder
from lab.device import pick_device

check = autograder.checks("04-initialization/initialization_torch")
device = pick_device()
F = nn.functional

# %% [markdown]
# ## Two traps to know first
#
# **The layout.** The weight of `nn.Linear(300, 700)` has the shape (700, 300): outputs first.
# NumPy's $W$ in this course has the inputs first. Who counts the inputs in axis 0 counts the outputs.
#
# **The default.** A new layer of PyTorch is not He's. It draws from $U(-r, r)$ with
# $r = 1/\sqrt{\text{fan\_in}}$, and the bias, too. What is the variance of that, {eq}`in-uniform`,
# and what would ReLU need, {eq}`in-he`?

# %% listing="default"
torch.manual_seed(0)
layer = nn.Linear(300, 700)
print("shape of the weight:", tuple(layer.weight.shape))
print(f"fan_in times variance: {300 * layer.weight.var().item():.3f}")
print(f"largest weight: {layer.weight.abs().max().item():.4f}, 1 / sqrt(300) = {300**-0.5:.4f}")

# %% [markdown]
# ## 1. Weights of the right size (●●○, 15 minutes)
#
# Walk through a model and give every `nn.Linear` and every `nn.Conv2d` the weights of He:
# normal, of mean 0, with the variance of {eq}`in-he`. Where the activation is a leaky ReLU,
# the gain of {eq}`in-gain` comes in the place of $\sqrt 2$. Biases become 0. A layer may have none.
#
# - fan_in is the number of inputs that are summed for **one** output, {eq}`in-conv-fan`.
#   The equation has a square kernel. Yours need not be square.
#   A convolution in groups sums over the channels of its group only. The shape of its weight knows that.
# - Layers may be in blocks of blocks. `model.modules()` goes to all of them.
# - All other modules keep their numbers: the $\gamma$ of a normalization is right as it is.
# - The parameters stay the same objects, on their device, in their dtype. An optimizer may have them already.
#   What is done to them is not part of a graph: `torch.no_grad()`.


# %% solution="initialize"
def initialize(model, slope=0.0):
    """He's weights for every nn.Linear and nn.Conv2d of the model, {eq}`in-he`, biases 0, in place.

    model: any module; it may be such a layer itself. slope: of the leaky ReLU behind the layers, 0 for ReLU,
    {eq}`in-gain`. The numbers come from PyTorch's global generator. Returns how many layers it was.

    Example: nn.Conv2d(3, 8, (5, 1)), slope = 2: fan_in = 15, gain^2 = 2/5, so the weights have variance 2/75.
    """
    ### BEGIN SOLUTION
    layers = [m for m in model.modules() if isinstance(m, (nn.Linear, nn.Conv2d))]
    with torch.no_grad():
        for layer in layers:
            fan_in = layer.weight[0].numel()
            std = math.sqrt(2 / (1 + slope**2) / fan_in)
            layer.weight.normal_(0, std)
            if layer.bias is not None:
                layer.bias.zero_()
    return len(layers)
    ### END SOLUTION


# %% check="initialize" points=6
check(initialize)

# %% [markdown]
# ## Worked example: a hook
#
# A hook is a function of yours that a module calls after each forward pass, with its inputs and its output.
# So you see what passes through the middle of a model without changing its code.
# `register_forward_hook` returns a handle. Until `handle.remove()` the hook stays, and is called each time.
# A hook that only looks returns nothing: what it returns takes the place of the output.

# %% listing="hook"
model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
seen = []


def note_shape(module, inputs, output):
    seen.append((type(module).__name__, tuple(output.shape)))


handles = [child.register_forward_hook(note_shape) for child in model]
model(torch.ones(4, 2))
for handle in handles:
    handle.remove()
model(torch.ones(4, 2))
print(seen)

# %% [markdown]
# ## 2. How far does the signal get? (●●○, 15 minutes)
#
# Your probe of the NumPy notebook, for any model: the standard deviation behind each activation,
# and the share of zeros. {eq}`in-depth` follows the mean of squares instead, which counts the mean, too.
# About half of the outputs of a ReLU should be 0. All is too many.
#
# - The model is asked once, in the mode that it is in, and without a graph.
# - Afterwards it is what it was: no hook of yours is left, and running statistics have not moved.
#   A copy is the easy way: `copy.deepcopy(model)`.
# - Compute the numbers inside of the hook. A tensor that you keep for later may be overwritten:
#   `nn.ReLU(inplace=True)` writes its output over its input.
# - The mean of squares of the deviations is divided by the number of entries, not by one less:
#   `correction=0`.


# %% solution="signal_report"
def signal_report(model, x, kinds=nn.ReLU):
    """The standard deviation and the share of zeros behind every activation, in the order of the model.

    model: a module whose activations are modules, each called once. x: its input. kinds: a class or a tuple
    of classes, as isinstance takes it. Returns a dict: the name of each module of these kinds, as in
    model.named_modules(), to (std, share), two Python numbers over all entries of its output.

    Example: nn.Sequential(nn.Linear(1, 1), nn.ReLU()) with weight 2 and bias 0, x = ((3,), (-1,)):
    the ReLU gives 6 and 0, so the report is {"1": (3.0, 0.5)}.
    """
    ### BEGIN SOLUTION
    model = copy.deepcopy(model)
    report = {}

    def listen(name, module):
        def note(_module, _inputs, a):
            report[name] = (a.std(correction=0).item(), 1 - a.count_nonzero().item() / a.numel())

        module.register_forward_hook(note)

    for name, module in model.named_modules():
        if isinstance(module, kinds):
            listen(name, module)
    with torch.no_grad():
        model(x)
    return report
    ### END SOLUTION


# %% check="signal_report" points=5
check(signal_report)

# %% [markdown]
# Twenty layers of 100 units, with each start. Before you run it: which stack loses half of the standard
# deviation every two layers? Which one has the same number everywhere, and why is that no good sign?


# %% experiment="signals"
def stack(activation, depth=20, width=100):
    """depth times a linear layer and an activation, then 10 scores."""
    layers = [part for _ in range(depth) for part in (nn.Linear(width, width), activation())]
    return nn.Sequential(*layers, nn.Linear(width, 10))


def scaled(model, factor):
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(factor)
    return model


torch.manual_seed(0)
x = torch.randn(500, 100)
names = ("PyTorch's default, ReLU", "He, ReLU", "He / sqrt 2, ReLU", "2 He, ReLU", "He, sigmoid")
starts = {name: stack(nn.Sigmoid if "sigmoid" in name else nn.ReLU) for name in names}
factors = {"He / sqrt 2, ReLU": 0.5**0.5, "2 He, ReLU": 2.0}
for start, model in starts.items():
    if "He" in start:
        initialize(model)
        scaled(model, factors.get(start, 1.0))
    report = list(signal_report(model, x, (nn.ReLU, nn.Sigmoid)).values())
    spreads = "  ".join(f"{report[k][0]:8.1e}" for k in (0, 4, 9, 14, 19))
    print(f"{start:26} std behind layers 1, 5, 10, 15, 20: {spreads}   zeros in 20: {report[19][1]:.0%}")

# %% [markdown]
# **Question** (6 minutes). By which factor does PyTorch's default change the **second moment**
# from one ReLU layer to the next, without biases, and by which one the standard deviation?
# Compute both from {eq}`in-uniform`, {eq}`in-var-sum` and {eq}`in-second-moment`.
# In your run the standard deviation stops falling after some layers, and the default has a bias.
# What is it, then, that arrives at layer 20: does it tell you which example went in?
# How would you change `signal_report` so that it shows this?

# %% [markdown] question="in-torch-default" points=3
# *Your answer here.*

# %% [markdown]
# ## 3. How far does the gradient get? (●●○, 12 minutes)
#
# Now the way down, {eq}`in-chain`: the length of the gradient of each weight. A layer whose gradient is
# a billion times shorter than that of the last layer does not learn while the last one does.
#
# - The loss is the mean cross-entropy. `F.cross_entropy` takes scores, not probabilities:
#   the softmax is inside.
# - Weights are here the parameters with more than one axis. The biases of PyTorch's layers and the $\gamma$
#   of a normalization have one. The bias of your maxout, two exercises on, has two, and so it is listed.
#   A frozen weight has no gradient, and no place in the report.
# - Somebody may be in the middle of a training step: the `.grad` of the model is afterwards
#   what it was, None or numbers. Neither do modes and running statistics change.


# %% solution="gradient_report"
def gradient_report(model, x, y):
    """The length of the loss's gradient with respect to every weight, {eq}`in-chain`.

    model: any module, asked in the mode that it is in; from x to scores (N, K), which depend on every weight.
    y: (N,), labels. The loss is the mean cross-entropy. Returns a dict: the name of each parameter
    that has more than one axis and is not frozen, as in model.named_parameters(), to the root of the sum of
    squares of its gradient, a Python number.

    Example: nn.Linear(1, 2) of zeros, x = ((3,),), y = (0,): both probabilities are 0.5, the gradient of the
    weight is -1.5 and 1.5, and the report is {"weight": 2.121...}.
    """
    ### BEGIN SOLUTION
    model = copy.deepcopy(model)
    model.zero_grad()
    F.cross_entropy(model(x), y).backward()
    weights = {name: p for name, p in model.named_parameters() if p.ndim > 1 and p.requires_grad}
    return {name: p.grad.norm().item() for name, p in weights.items()}
    ### END SOLUTION


# %% check="gradient_report" points=4
check(gradient_report)

# %% experiment="gradients"
y = torch.randint(10, (500,), generator=torch.Generator().manual_seed(1))
for start, model in starts.items():
    lengths = list(gradient_report(model, x, y).values())
    shown = "  ".join(f"{lengths[k]:8.1e}" for k in (0, 4, 9, 14, 19))
    ratio = lengths[0] / lengths[19]
    print(f"{start:26} gradient of layers 1, 5, 10, 15, 20: {shown}   1 : 20 = {ratio:.0e}")

# %% [markdown]
# ## 4. Which units are dead? (●●○, 12 minutes)
#
# A ReLU that gives 0 for one example is at rest. One that gives 0 for **every** example is dead:
# its slope is 0 for each of them, {eq}`in-relu-slope`, so no gradient moves its weights.
# Only a change of the layers below can wake it.
# One batch proves nothing. Ask all of them.
#
# - `net` ends with the activations that you ask about: for the third layer of a stack
#   take a slice such as `model[:6]`.
# - Maps (N, M, H, W) have a unit for each channel: it is dead if it is 0 at every place of every image.
# - Evaluation mode, no graph. In training mode a dropout sets living units to 0.
#   Afterwards every module is in the mode that it had before. Some may be in training mode and some not.
# - Small is not zero. And a unit may be negative.


# %% solution="dead_units"
def dead_units(net, batches):
    """Which units are 0 for every example of all batches.

    net: a module whose output is (N, M) or (N, M, H, W), asked in evaluation mode. batches: an iterable of
    inputs, one or more, of any sizes, where the net is. Returns a bool tensor (M,): which units are dead.

    Example: net = nn.ReLU(), the batches ((1, -1, -2),) and ((-3, -1, 2),): the unit in the middle is dead,
    and the answer is [False, True, False].
    """
    ### BEGIN SOLUTION
    was = {module: module.training for module in net.modules()}
    net.eval()
    with torch.no_grad():
        alive = [(net(x) != 0).transpose(0, 1).flatten(1).any(dim=1) for x in batches]
    for module, mode in was.items():
        module.training = mode
    return ~torch.stack(alive).any(dim=0)
    ### END SOLUTION


# %% check="dead_units" points=4
check(dead_units)

# %% [markdown]
# ## 5. Maxout (●●○, 12 minutes)
#
# A unit that chooses the largest of several linear functions has no flat side, so it cannot die,
# {eq}`in-maxout`. It learns its own shape. The price: `pieces` times as many weights.
#
# Which weights does it need at the start? For two pieces with weights of mean 0 the mean of squares of the
# larger piece is that of any piece, and there is no factor 2 to make up for:
# the variance is $1 / \text{fan\_in}$. The question below asks you why.


# %% solution="Maxout"
class Maxout(nn.Module):
    """The largest of several linear functions, for each unit, {eq}`in-maxout` (Goodfellow et al. 2013).

    Parameters: weight (pieces, units, inputs), at the start normal of mean 0 and variance 1 / inputs,
    and bias (pieces, units), at the start 0.
    """

    def __init__(self, inputs, units, pieces=2):
        super().__init__()
        ### BEGIN SOLUTION
        self.weight = nn.Parameter(torch.randn(pieces, units, inputs) / math.sqrt(inputs))
        self.bias = nn.Parameter(torch.zeros(pieces, units))
        ### END SOLUTION

    def forward(self, x):
        """x: (N, inputs). Returns (N, units).

        Example: one input, one unit, two pieces with weights 1, -1 and biases 0, 0: the absolute value of x.
        """
        ### BEGIN SOLUTION
        z = x @ self.weight.transpose(1, 2) + self.bias.unsqueeze(1)
        return z.amax(dim=0)
        ### END SOLUTION


# %% check="Maxout" points=4
check(Maxout)

# %% [markdown]
# **Question** (6 minutes). Let $u$ and $v$ be independent, with the same distribution, symmetric about 0.
# Show in two or three steps that $\mathrm{E}(\max(u, v)^2) = \mathrm{E}(u^2)$.
# What is $\max(u, v)^2 + \min(u, v)^2$? What becomes of the two if both signs are turned round?
# ReLU is $\max(u, 0)$. Why does the argument fail there, {eq}`in-second-moment`?
# With five pieces, is the variance $1 / \text{fan\_in}$ too large, too small, or right?

# %% [markdown] question="in-torch-maxout" points=2
# *Your answer here.*

# %% [markdown]
# ## 6. A backward pass of your own (●●●, 15 minutes)
#
# Write ELU as a function with its own backward pass. Three traps:
#
# - `torch.exp(z) - 1` has no correct digit left for $z = -10^{-17}$, and few for $-10^{-12}$.
#   `torch.expm1(z)` has all of them.
# - $e^{1000}$ is infinite, and infinity times 0 is not a number. So do not multiply by a mask:
#   `torch.where` picks.
# - By {eq}`in-elu` the slope can be found from the **output** alone. Save that, and $z$ need not be kept.
#   What is the slope at $z = 0$? The chapter says on which side 0 is.
#
# `backward` returns one gradient for each argument of `forward`; for `alpha` that is `None`.
# *Parity* below compares your gradient to difference quotients.


# %% solution="ELUFunction"
class ELUFunction(torch.autograd.Function):
    """ELU and its gradient, {eq}`in-elu` (Clevert et al. 2016)."""

    @staticmethod
    def forward(ctx, z, alpha):
        """z: any shape. alpha: a positive number. Returns a: the same shape."""
        ### BEGIN SOLUTION
        a = torch.where(z > 0, z, alpha * torch.expm1(z))
        ctx.save_for_backward(a)
        ctx.alpha = alpha
        return a
        ### END SOLUTION

    @staticmethod
    def backward(ctx, dout):
        """dout: as z. Returns dz, None: one for each argument of forward.

        Example: z = -1, alpha = 2, dout = 3: a = 2 (exp(-1) - 1) = -1.264, dz = 3 (a + 2) = 2.207.
        """
        ### BEGIN SOLUTION
        (a,) = ctx.saved_tensors
        return dout * torch.where(a > 0, 1.0, a + ctx.alpha), None
        ### END SOLUTION


# %% check="ELUFunction" points=5
check(ELUFunction)

# %% [markdown]
# ## 7. A residual block (●●●, 20 minutes)
#
# The block of He et al. (2016) for images, {eq}`in-residual-block`: two convolutions in the branch,
# a ReLU between them, and a ReLU **after** the sum. The batch normalizations stand behind the convolutions.
#
# $$
# \begin{aligned}
# h &= \mathrm{relu}\bigl(\mathrm{norm1}(\mathrm{conv1}(x))\bigr) \\
# y &= \mathrm{relu}\bigl(\mathrm{shortcut}(x) + \mathrm{norm2}(\mathrm{conv2}(h))\bigr)
# \end{aligned}
# $$
#
# - Both convolutions are 3×3 with padding 1 and without bias. The first has the stride, the second has
#   stride 1.
# - Where the shapes of $x$ and of the branch are the same, the shortcut is $x$ itself, `nn.Identity()`.
#   Where channels or stride change, it is a 1×1 convolution with the stride, without bias and normalization.
# - `norm` is called with the number of channels, once for each normalization. `nn.Identity` gives a block
#   without.
# - Do not change $x$: after `out += x` in the wrong place, or a ReLU with `inplace=True` on the input,
#   the skip carries something else, or PyTorch refuses the backward pass.


# %% solution="ResidualBlock"
class ResidualBlock(nn.Module):
    """The residual block of images, {eq}`in-residual-block` (He et al. 2016).

    Its children are conv1, norm1, conv2, norm2 and shortcut.
    """

    def __init__(self, in_channels, out_channels, stride=1, norm=nn.BatchNorm2d):
        """norm: a function that takes the number of channels and returns a module."""
        super().__init__()
        ### BEGIN SOLUTION
        kernel = {"kernel_size": 3, "padding": 1, "bias": False}
        self.conv1 = nn.Conv2d(in_channels, out_channels, stride=stride, **kernel)
        self.norm1 = norm(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, **kernel)
        self.norm2 = norm(out_channels)
        self.shortcut = nn.Identity()
        if (in_channels, 1) != (out_channels, stride):
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False)
        ### END SOLUTION

    def forward(self, x):
        """x: (N, in_channels, H, W). Returns (N, out_channels, H', W'); H' = H and W' = W for stride 1.

        Example: one channel, no normalization, conv1 and conv2 with 1 in the middle and 0 around it:
        y = relu(x + relu(x)). A pixel 3 becomes 6, a pixel -3 becomes 0.
        """
        ### BEGIN SOLUTION
        h = torch.relu(self.norm1(self.conv1(x)))
        branch = self.norm2(self.conv2(h))
        return torch.relu(self.shortcut(x) + branch)
        ### END SOLUTION


# %% check="ResidualBlock" points=6
check(ResidualBlock)

# %% [markdown]
# ## 8. Blocks that begin by doing nothing (●●○, 12 minutes)
#
# Twenty blocks with branches of full size: the variance doubles with each, {eq}`in-branch-variance`,
# and where a ReLU follows the sum, as in your block, it grows even faster.
# The simplest remedy is to let every branch begin with 0. Then each block is its shortcut and a ReLU,
# and a network of a hundred blocks begins as a shallow one.
#
# Set the **last** layer of the branch that has weights to 0, weight and bias:
#
# - `norm2`, if it has a weight: $\gamma = 0$ and $\beta = 0$.
# - `conv2` otherwise: `nn.Identity()` has no weight, and neither has a normalization with `affine=False`:
#   its `weight` is None.
# - No other layer. One factor 0 is enough, and two are one too many, as the question below finds.
#
# A block is any module that has children named `conv2` and `norm2`. Somebody else's class counts, too,
# so look for the names and not for your class. Parameters stay the same objects, and there is no graph.


# %% solution="zero_init_residual"
def zero_init_residual(model):
    """Let the branch of every residual block of the model begin as 0, in place, {eq}`in-branch-variance`.

    model: any module; blocks may be at any depth, and it may be one itself. A block has conv2, which may have
    a bias, and norm2. Returns how many blocks it was.

    Example: a new ResidualBlock(3, 3): afterwards norm2.weight and norm2.bias are 0, all else is as it was,
    the result is 1, and the block computes relu(x).
    """
    ### BEGIN SOLUTION
    blocks = [m for m in model.modules() if hasattr(m, "conv2") and hasattr(m, "norm2")]
    for block in blocks:
        scaled_last = getattr(block.norm2, "weight", None) is not None
        last = block.norm2 if scaled_last else block.conv2
        nn.init.zeros_(last.weight)
        if last.bias is not None:
            nn.init.zeros_(last.bias)
    return len(blocks)
    ### END SOLUTION


# %% check="zero_init_residual" points=4
check(zero_init_residual)

# %% [markdown]
# **Question** (6 minutes). A friend sets both to 0: `conv2.weight`, and $\gamma$ and $\beta$ of `norm2`.
# Which parameters of the branch get a gradient that is not 0 in the first step, and which in any later one?
# What can such a branch learn, {eq}`in-zero`?
# Why is a branch with $\gamma = 0$ alone not in the same trouble, although all of its weights but one
# layer's get the gradient 0 in the first step, too? What happens in the second step?

# %% [markdown] question="in-torch-zero" points=2
# *Your answer here.*

# %% [markdown]
# ## Parity: your pieces beside PyTorch's
#
# Moments for what is random, largest differences for what is not.
# At the end PyTorch compares the gradient of your `ELUFunction` to difference quotients.

# %% experiment="parity"
torch.manual_seed(0)
dense, convolution = nn.Linear(300, 700), nn.Conv2d(30, 50, (3, 5))
for layer, slope in ((dense, 0.0), (convolution, 0.0), (dense, 0.3)):
    initialize(layer, slope)
    mine = layer.weight.std().item()
    nn.init.kaiming_normal_(layer.weight, a=slope)
    library = layer.weight.std().item()
    print(f"{type(layer).__name__:7} slope {slope}: std {mine:.5f}, PyTorch's {library:.5f}")

dtype = torch.float32 if device.type == "mps" else torch.float64  # Apple's GPU has no float64
z = torch.randn(50, 7, dtype=dtype, device=device)
leaves = [z.clone().requires_grad_() for _ in range(2)]
outputs = [ELUFunction.apply(leaves[0], 0.7), F.elu(leaves[1], 0.7)]
for a in outputs:
    (a * torch.cos(a)).sum().backward()
gaps = (outputs[0] - outputs[1]).abs().max(), (leaves[0].grad - leaves[1].grad).abs().max()
print("ELU: output {:.0e}, gradient {:.0e}".format(*(gap.item() for gap in gaps)))

block = ResidualBlock(4, 4).to(device, dtype)
images = torch.randn(3, 4, 6, 5, dtype=dtype, device=device)
zero_init_residual(block)
print("block that does nothing:", torch.equal(block(images), torch.relu(images)))
if dtype == torch.float64:  # difference quotients need the digits
    passed = torch.autograd.gradcheck(lambda z: ELUFunction.apply(z, 0.7), z[:4].clone().requires_grad_())
    print("gradcheck of your function:", "passed" if passed else "not passed")

# %% [markdown]
# ## Dead units and the learning rate
#
# Three hidden layers of 64 units with your weights learn handwritten digits, at one learning rate
# after the other. After 120 steps your `dead_units` asks 2,000 digits.
# One large step can push a unit below 0 for all of them.
#
# A step that is too large for everything leaves weights that are not numbers. Not a number is not 0,
# so `dead_units` takes such units for alive. The line says where this happened: learn nothing else from it.

# %% experiment="dead"
from lab.experiments import depth


def train(model, data, rate, steps):
    """SGD with momentum on batches of 64 images. Returns the share of right answers on test images."""
    model.to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    generator = torch.Generator().manual_seed(0)
    for _ in range(steps):
        rows = torch.randint(len(data.train_x), (64,), generator=generator).to(device)
        loss = F.cross_entropy(model(data.train_x[rows]), data.train_y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        return (model(data.test_x).argmax(1) == data.test_y).double().mean().item()


digits = depth.images("mnist")
batches = digits.train_x.split(250)
for rate in (0.01, 0.03, 0.1, 0.3, 1.0):
    torch.manual_seed(0)
    hidden = [part for inputs in (28 * 28, 64, 64) for part in (nn.Linear(inputs, 64), nn.ReLU())]
    model = nn.Sequential(nn.Flatten(), *hidden, nn.Linear(64, 10))
    initialize(model)
    accuracy = train(model, digits, rate, steps=120)
    dead = [dead_units(model[:end], batches).sum().item() for end in (3, 5, 7)]
    note = "" if all(p.isfinite().all() for p in model.parameters()) else "  (weights are not numbers)"
    print(f"rate {rate:4}: {accuracy:.0%} right, dead of 64 in layers 1, 2, 3:", *dead, note)

# %% [markdown]
# ## Experiments: which deep networks learn again? (10 minutes)
#
# Patches of ten photographs, 16×16 pixels in colour. It takes a few minutes on a CPU core.
#
# - **Layers.** 2 and 20 fully connected layers: PyTorch's default, your `initialize`, the same with your ELU,
#   and layers of your `Maxout`. They take 120 steps at each of three learning rates, with three seeds.
#   The rate that is best on validation images counts.
# - **Blocks at the start.** 20 of your residual blocks behind each other: standard deviation behind each,
#   by your `signal_report`, and the gradients of their convolutions, by your `gradient_report`.
# - **Blocks in training.** 9 blocks, that is 18 convolutions: with and without the skip, with and without
#   batch normalization, and with your `zero_init_residual`: 80 steps, one rate for all, two seeds.
#
# **Predict first.** Write down before you run the cells: which networks of 20 layers learn in 120 steps?
# By which factor, at least, does the standard deviation grow in a block without normalization,
# {eq}`in-branch-variance`?
# What becomes of both, signal and gradient, with `zero_init_residual`?
# Do 9 blocks learn without the skip if they have batch normalization? And without both?
# A wrong prediction costs nothing. A missing reason does.

# %% [markdown] question="in-torch-predict" points=2
# *Your prediction here, with a reason for each.*


# %% experiment="layers"
class ELU(nn.Module):
    def forward(self, z):
        return ELUFunction.apply(z, 1.0)


def with_my_weights(layers):
    model = depth.plain_net(layers)
    initialize(model)
    return model


def with_my_elu(layers):
    model = with_my_weights(layers)
    return nn.Sequential(*(ELU() if isinstance(part, nn.ReLU) else part for part in model))


def with_my_maxout(layers):
    parts = [Maxout(3 * 16 * 16, 64), *(Maxout(64, 64) for _ in range(layers - 1))]
    model = nn.Sequential(nn.Flatten(), *parts, nn.Linear(64, 10))
    initialize(model)
    return model


ways = {"my weights": with_my_weights, "my weights, my ELU": with_my_elu, "my maxout": with_my_maxout}
layers_results = depth.compare(ways, size="short", depths=(2, 20), rates=(0.001, 0.01, 0.1))
depth.plot_grid(layers_results)

# %% experiment="layers-curves"
depth.plot_curves(layers_results)


# %% experiment="blocks-at-the-start"
class WithoutSkip(ResidualBlock):
    def forward(self, x):
        return torch.relu(self.norm2(self.conv2(torch.relu(self.norm1(self.conv1(x))))))


def blocks_of(kind, norm, number, zero=False, seed=0):
    """A convolution, blocks of one kind with your weights, and ten scores."""
    model = depth.conv_net(lambda channels: kind(channels, channels, norm=norm), number, seed=seed)
    initialize(model)
    if zero:
        zero_init_residual(model)
    return model.to(device)


forms = {
    "skip": (ResidualBlock, nn.Identity),
    "skip, last layer 0": (ResidualBlock, nn.Identity, True),
    "skip, batch norm": (ResidualBlock, nn.BatchNorm2d),
    "skip, batch norm, gamma 0": (ResidualBlock, nn.BatchNorm2d, True),
    "batch norm alone": (WithoutSkip, nn.BatchNorm2d),
    "neither": (WithoutSkip, nn.Identity),
}
photographs = depth.images("photos")
x, y = photographs.train_x[:100], photographs.train_y[:100]
print("behind block 1, 10, 20".rjust(52), "gradient of conv2 in 1, 10, 20".rjust(36))
for name, (kind, norm, *zero) in forms.items():
    model = blocks_of(kind, norm, 20, *zero)
    spreads = [std for std, _ in signal_report(model, x, ResidualBlock).values()]
    lengths = [value for key, value in gradient_report(model, x, y).items() if "conv2" in key]
    told = ("  ".join(f"{found[k]:8.1e}" for k in (0, 9, 19)) for found in (spreads, lengths))
    print(f"{name:26}{next(told)}   {next(told)}")

# %% experiment="blocks"
block_results = {}
for name, (kind, norm, *zero) in forms.items():
    models = [blocks_of(kind, norm, 9, *zero, seed=seed) for seed in range(2)]
    block_results[name] = [train(model, photographs, rate=0.01, steps=80) for model in models]
    print(f"{name:26} right on test images:", *(f"{share:.0%}" for share in block_results[name]))

# %% [markdown]
# **Explain.** Compare what you see with your prediction, and say where it was wrong.
# Which differences are larger than the spread of the seeds?
# Then explain three things that you see, each with an equation of the chapter: one about the layers,
# one about the signal or the gradient of the blocks at the start, and one about the blocks in training.

# %% [markdown] question="in-torch-explain" points=3
# *Your explanation here.*

# %% [markdown]
# You have the tools that tell why a deep network does not learn, and four things that help.
# Go back to *What goes wrong* in the chapter, and explain each case that your tools can show.

"""What is measured inside a training run: the steps of an optimizer, and the curvature of the loss."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from lab.device import nn, torch
from lab.experiments.results import Results
from lab.training import Images

QUANTILES = {"low": 0.1, "median": 0.5, "high": 0.9}
SQUARES = {"Adagrad": "sum", "RMSprop": "square_avg", "Adam": "exp_avg_sq"}  # the name of s in torch.optim


def train_steps(
    net: nn.Module,
    optimizer: torch.optim.Optimizer,
    images: Images,
    steps: int,
    batch_size: int,
    shuffle: torch.Generator,
) -> Iterator[float]:
    """Train for that many steps, in a new order every epoch; yields the loss before each step, after it."""
    batches: list[torch.Tensor] = []
    for _ in range(steps):
        if not batches:
            order = torch.randperm(len(images.train_x), generator=shuffle).to(images.train_x.device)
            batches = [rows for rows in order.split(batch_size) if len(rows) == batch_size]
        rows = batches.pop(0)
        loss = nn.functional.cross_entropy(net(images.train_x[rows]), images.train_y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield loss.item()


def first_steps(
    net: nn.Module, optimizer: torch.optim.Optimizer, lr: float, losses: Iterator[float]
) -> Results:
    """Loss, and root mean square change of a weight over lr, of every step."""
    found: Results = {"loss": [], "step": []}
    before = _flat(net.parameters())
    for loss in losses:
        after = _flat(net.parameters())
        found["loss"].append(loss)
        found["step"].append((after - before).square().mean().sqrt().item() / lr)
        before = after
    return found


def step_sizes(optimizer: torch.optim.Optimizer, losses: Iterator[float]) -> Results:
    """Quantiles over the weights of lr / (sqrt(s) + eps), after 1, 2, 4, ... steps and the last one.

    Weights that never had a gradient are left out. Adam's s is the corrected one.
    """
    found: Results = {"steps": [], **{name: [] for name in QUANTILES}}
    steps = 0
    for steps, _ in enumerate(losses, start=1):
        if steps & (steps - 1) == 0:
            _add_quantiles(found, steps, optimizer)
    if steps not in found["steps"]:
        _add_quantiles(found, steps, optimizer)
    return found


def _add_quantiles(found: Results, steps: int, optimizer: torch.optim.Optimizer) -> None:
    (group,) = optimizer.param_groups
    kind = type(optimizer).__name__
    s = _flat(optimizer.state[p][SQUARES[kind]] for p in group["params"])
    s = s[s > 0]
    if kind == "Adam":
        s = s / (1 - group["betas"][1] ** steps)
    sizes = group["lr"] / (s.sqrt() + group["eps"])
    found["steps"].append(steps)
    for name, share in QUANTILES.items():
        found[name].append(sizes.quantile(share).item())


def largest_eigenvalue(
    loss: torch.Tensor, parameters: Sequence[torch.Tensor], start: torch.Tensor, products: int
) -> tuple[float, torch.Tensor]:
    """Largest eigenvalue of the Hessian of `loss` (), and its eigenvector (D,), by Lanczos' method.

    From the vector `start` (D,), with that many Hessian-vector products (Pearlmutter 1994). The largest, not
    the largest in magnitude, which power iteration would give.
    """
    gradient = torch.autograd.grad(loss, parameters, create_graph=True)

    def product(vector: torch.Tensor) -> torch.Tensor:
        parts = vector.split([p.numel() for p in parameters])
        shaped = [part.view_as(p) for part, p in zip(parts, parameters, strict=True)]
        return _flat(torch.autograd.grad(gradient, parameters, shaped, retain_graph=True))

    basis, tridiagonal = lanczos(product, start, products)
    values, vectors = torch.linalg.eigh(tridiagonal)
    return values[-1].item(), vectors[:, -1].to(basis.dtype) @ basis


def lanczos(
    product: Callable[[torch.Tensor], torch.Tensor], start: torch.Tensor, products: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """An orthonormal basis (k, D) that begins with `start`, and the symmetric matrix (k, k) in it.

    k is `products`, or fewer where the vectors so far span all that `product` leads to.
    """
    basis = start[None] / start.norm()
    images = product(basis[0])[None]
    while len(basis) < products:
        rest = images[-1]
        for _ in range(2):  # once leaves rounding errors that grow
            rest = rest - (basis @ rest) @ basis
        if rest.norm() <= 1e-6 * images[-1].norm():
            break
        basis = torch.cat([basis, rest[None] / rest.norm()])
        images = torch.cat([images, product(basis[-1])[None]])
    matrix = (basis @ images.T).double()
    return basis, (matrix + matrix.T) / 2


def smooth(net: nn.Sequential) -> nn.Sequential:
    """The network with tanh for ReLU and mean-pooling for max-pooling: its loss has no kinks."""
    changed = {nn.ReLU: nn.Tanh(), nn.MaxPool2d: nn.AvgPool2d(2)}
    return nn.Sequential(*(changed.get(type(layer), layer) for layer in net))


def curvature(
    net: nn.Module, optimizer: torch.optim.Optimizer, images: Images, steps: int, every: int, products: int
) -> Results:
    """Loss and largest Hessian eigenvalue over all images every `every` steps of full-batch training.

    It ends where the loss is no longer a number.
    """
    found: Results = {"steps": [], "loss": [], "sharpness": []}
    parameters = list(net.parameters())
    vector = torch.randn(sum(p.numel() for p in parameters), generator=torch.Generator().manual_seed(0))
    vector = vector.to(parameters[0].device)
    for step in range(steps + 1):
        loss = nn.functional.cross_entropy(net(images.train_x), images.train_y)
        if not loss.isfinite():
            break
        if step % every == 0:
            value, vector = largest_eigenvalue(loss, parameters, vector, products)
            for key, number in (("steps", step), ("loss", loss.item()), ("sharpness", value)):
                found[key].append(number)
            loss = nn.functional.cross_entropy(net(images.train_x), images.train_y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return found


def _flat(tensors: Iterable[torch.Tensor]) -> torch.Tensor:
    return torch.cat([tensor.detach().flatten() for tensor in tensors])

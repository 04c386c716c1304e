"""Two residual networks whose features are handed on: the course's own for 32x32 images, and ResNet-18.

A backbone is a `Sequential` of named stages, from images (N, 3, H, W) to features (N, width), so that a stage
can be frozen, thawed or given a learning rate by its name.
"""

from collections import OrderedDict

from lab.device import nn, torch

WIDTHS = (16, 32, 64, 128)


class Residual(nn.Module):
    """relu(shortcut(x) + F(x)) with F = conv -> norm -> relu -> conv -> norm (He et al. 2016, equation 2).

    The shortcut is the identity where shapes agree, else a 1x1 convolution with a norm (their option B). The
    children's names are torchvision's, so that its weights can be read.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or in_channels != out_channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """From (N, C_in, H, W) to (N, C_out, H / stride, W / stride)."""
        branch = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu((x if self.downsample is None else self.downsample(x)) + branch)


def small_backbone(seed: int = 0) -> nn.Sequential:
    """A stem and three stages for images (N, 3, 32, 32); features (N, 128). About half a million weights.

    A stage halves the image with a convolution of stride 2, doubles the channels and adds one residual block.
    Convolution weights are He's (He et al. 2015, equation 10).
    """
    torch.manual_seed(seed)
    stem, *wider = WIDTHS
    stages: OrderedDict[str, nn.Module] = OrderedDict(stem=nn.Sequential(*_conv(3, stem, stride=1)))
    for number, (before, after) in enumerate(zip(WIDTHS, wider, strict=False), start=1):
        stages[f"stage{number}"] = nn.Sequential(*_conv(before, after, stride=2), Residual(after, after))
    stages["pool"] = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    backbone = nn.Sequential(stages)
    for module in backbone.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    return backbone


def _conv(in_channels: int, out_channels: int, stride: int) -> tuple[nn.Module, ...]:
    conv = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
    return conv, nn.BatchNorm2d(out_channels), nn.ReLU()


def resnet18_backbone() -> nn.Sequential:
    """ResNet-18 without its head (He et al. 2016, table 1): images (N, 3, 224, 224), features (N, 512).

    Parameters have torchvision's names. Weights are PyTorch's defaults until a file is read into it.
    """
    stages: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False),
        bn1=nn.BatchNorm2d(64),
        relu=nn.ReLU(),
        maxpool=nn.MaxPool2d(3, stride=2, padding=1),
    )
    before = 64
    for number, after in enumerate((64, 128, 256, 512), start=1):
        stride = 1 if number == 1 else 2
        stages[f"layer{number}"] = nn.Sequential(Residual(before, after, stride), Residual(after, after))
        before = after
    stages["pool"] = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(stages)

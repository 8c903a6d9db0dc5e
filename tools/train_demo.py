#!/usr/bin/env python3
"""Trains the demo's network on pictures drawn by `tessera synth` and exports it to ONNX. A development tool: needs
PyTorch, NumPy and Pillow; users of Tessera never run it.

    tessera synth --output train --count 4000 --seed 1 --size 240x160
    tessera synth --output held --count 200 --seed 900001 --size 240x160
    python tools/train_demo.py --train train --held held --output models/unet8_synth_240x160.onnx

The network is the classic UNet: double 3x3 convolution + BatchNorm + ReLU, four levels, 2x2 transposed convolutions,
padding to fit, concatenation, a 1x1 head with two classes. The first steps run at half size, which is four times
cheaper; the rest at full size. Steps, seed and thread count fix the result on one machine."""
import argparse
import pathlib
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from PIL import Image


def double_conv(inputs, outputs):
    layers = []
    for i in (inputs, outputs):
        layers += [nn.Conv2d(i, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    """width channels at full size, 16 * width at the bottom; input RGB / 255, output two logits a pixel."""

    def __init__(self, width, levels=4):
        super().__init__()
        self.first = double_conv(3, width)
        self.down = nn.ModuleList(double_conv(width << i, width << (i + 1)) for i in range(levels))
        self.up = nn.ModuleList(nn.ConvTranspose2d(width << (i + 1), width << i, 2, stride=2) for i in reversed(range(levels)))
        self.join = nn.ModuleList(double_conv(width << (i + 1), width << i) for i in reversed(range(levels)))
        self.head = nn.Conv2d(width, 2, 1)

    def forward(self, x):
        skips = [self.first(x)]
        for down in self.down:
            skips.append(down(F.max_pool2d(skips[-1], 2)))
        x = skips.pop()
        for up, join in zip(self.up, self.join):
            x, skip = up(x), skips.pop()
            high, wide = skip.shape[2] - x.shape[2], skip.shape[3] - x.shape[3]
            x = F.pad(x, [wide // 2, wide - wide // 2, high // 2, high - high // 2])
            x = join(torch.cat([skip, x], dim=1))
        return self.head(x)


def load(folder):
    images = sorted(pathlib.Path(folder, "images").iterdir())
    masks = sorted(pathlib.Path(folder, "masks").iterdir())
    x = np.stack([np.asarray(Image.open(f).convert("RGB")) for f in images]).transpose(0, 3, 1, 2)
    y = np.stack([np.asarray(Image.open(f)) > 0 for f in masks])
    return torch.from_numpy(np.ascontiguousarray(x)), torch.from_numpy(y)


def batch_of(images, masks, index, half, rng):
    x, y = images[index].float() / 255, masks[index].float()
    if rng.random() < 0.5:
        x, y = x.flip(3), y.flip(2)
    gain = torch.from_numpy(rng.uniform(0.7, 1.3, (len(index), 3, 1, 1)).astype(np.float32))
    shift = torch.from_numpy(rng.uniform(-0.1, 0.1, (len(index), 1, 1, 1)).astype(np.float32))
    x = (x * gain + shift).clamp(0, 1)
    if half:
        x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y[:, None], 2)[:, 0]
    return x, y


def loss_of(logits, y):
    difference = logits[:, 1] - logits[:, 0]
    p = torch.sigmoid(difference)
    overlap = 2 * (p * y).sum((1, 2)) + 1
    return F.binary_cross_entropy_with_logits(difference, y) + (1 - overlap / (p.sum((1, 2)) + y.sum((1, 2)) + 1)).mean()


@torch.no_grad()
def dice_of(net, images, masks):
    net.eval()
    scores = []
    for x, y in zip(images, masks):
        logits = net(x[None].float() / 255)[0]
        m = logits[1] > logits[0]
        scores.append((2 * (m & y).sum() / (m.sum() + y.sum()).clamp(min=1)).item())
    net.train()
    return float(np.mean(scores)), float(np.min(scores))


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--train", required=True)
    a.add_argument("--held", required=True)
    a.add_argument("--output", required=True)
    a.add_argument("--width", type=int, default=8)
    a.add_argument("--half_steps", type=int, default=1500)
    a.add_argument("--full_steps", type=int, default=1500)
    a.add_argument("--rate", type=float, default=4e-3)
    a.add_argument("--seed", type=int, default=20)
    a.add_argument("--threads", type=int, default=1)
    a = a.parse_args()
    torch.manual_seed(a.seed)
    torch.set_num_threads(a.threads)
    rng = np.random.default_rng(a.seed)
    images, masks = load(a.train)
    held = load(a.held)
    net = UNet(a.width)
    steps = a.half_steps + a.full_steps
    optimizer = torch.optim.AdamW(net.parameters(), lr=a.rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, a.rate, total_steps=steps, pct_start=0.1)
    start, order = time.time(), []
    for step in range(steps):
        half = step < a.half_steps
        size = 16 if half else 8
        if len(order) < size:
            order = list(rng.permutation(len(images)))
        index, order = order[:size], order[size:]
        x, y = batch_of(images, masks, torch.as_tensor(np.array(index)), half, rng)
        loss = loss_of(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 99 or step == steps - 1:
            last = step == steps - 1
            mean, worst = dice_of(net, *(t if last else t[:32] for t in held))
            print(f"step {step + 1}/{steps} loss {loss.item():.4f} held-out Dice {mean:.4f} worst {worst:.4f} "
                  f"({time.time() - start:.0f} s)", flush=True)
            if not last and (step + 1) % 500 == 0:
                export(net, a.output + ".partial", images)
    export(net, a.output, images)


def export(net, path, images):
    net.eval()
    height, width = images.shape[2:]
    torch.onnx.export(net, torch.zeros(1, 3, height, width), path, opset_version=13, input_names=["input"], output_names=["output"])
    net.train()


if __name__ == "__main__":
    main()

"""Times PyTorch (see protocol.ts): python torch_runner.py linear|shallow|deep written|best:CHANNELS_LAST:AUTOCAST

`written` is the original notebook's training step, line by line. `best` sets channels_last (0 or 1) and bfloat16 autocast
(0 or 1). Answers each line with a number on stdin with the times in ms of so many steps, as JSON.
"""
import json
import sys
import time

import torch
from torch import nn

kind, way = sys.argv[1:3]
_, channels_last, autocast = (way.split(":") + ["0", "0"])[:3]
torch.manual_seed(0)


def shallow():
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(),
        nn.Conv2d(64, 128, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, 2), nn.Flatten(), nn.Linear(32768, 10))


def linear():
    return nn.Sequential(
        nn.Flatten(), nn.Linear(3072, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))


def deep():
    layers, channels = [], 3
    for widths, rate in (((32, 64), 0.2), ((128, 128), 0.3), ((256, 256), 0.4)):
        for width in widths:
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(width)]
            channels = width
        layers += [nn.MaxPool2d(2, 2), nn.Dropout2d(rate)]
    return nn.Sequential(
        *layers, nn.Flatten(), nn.Linear(4096, 1024), nn.ReLU(), nn.Linear(1024, 512), nn.ReLU(), nn.Linear(512, 10))


model = {"linear": linear, "shallow": shallow, "deep": deep}[kind]()
X = torch.rand(256, 3, 32, 32) * 2 - 1
y = torch.arange(256) % 10
if channels_last == "1":
    model, X = model.to(memory_format=torch.channels_last), X.contiguous(memory_format=torch.channels_last)
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, weight_decay=1e-4, momentum=0.9 if kind == "deep" else 0)
model.train()


def step():
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast == "1"):
        pred = model(X)
        loss = loss_fn(pred, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    loss.item()
    (pred.argmax(1) == y).type(torch.float).sum().item()


def run(count):
    times = []
    for _ in range(count):
        start = time.perf_counter()
        step()
        times.append(1000 * (time.perf_counter() - start))
    return times


run(2)
print("ready", flush=True)
for line in sys.stdin:
    print(json.dumps(run(int(line))), flush=True)

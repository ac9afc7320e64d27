"""Runs cells in a real TypeScript kernel, through Jupyter's protocol.

In (stdin, JSON): {"cwd", "cells": [{"code", "interruptOn"?, "interruptAfter"?, "interrupts"?, "pause"?}]}. When an output contains
`interruptOn`, or `interruptAfter` seconds after the cell was sent, the kernel is interrupted once (or `interrupts` times, `pause`
seconds apart), as the Stop button does; not after the cell's end. With "goOn" a failing cell is not the last. Out (stdout, JSON):
for each cell that ran {"status", "outputs", "seconds"}: from when it was sent, or from the last interrupt, to its reply.
"""
import json
import queue
import subprocess
import sys
import time
from jupyter_client.manager import KernelManager


def run(request):
    manager = KernelManager(kernel_name="tslab")
    # Not our own stdout: Node makes a shared pipe non-blocking.
    manager.start_kernel(cwd=request["cwd"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    client = manager.client()
    client.start_channels()
    results = []
    try:
        client.wait_for_ready(timeout=60)
        for cell in request["cells"]:
            results.append(execute(manager, client, **cell))
            if results[-1]["status"] != "ok":
                if not request.get("goOn"):
                    break
                time.sleep(0.5)  # tslab drops requests that arrive right after a failing cell
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return results


def execute(manager, client, code, interruptOn=None, interruptAfter=None, interrupts=1, pause=0.05):
    outputs, displays = [], {}
    sent = client.execute(code)
    start = time.monotonic()
    due = None if interruptAfter is None else start + interruptAfter
    end = start + 240
    while True:
        now = time.monotonic()
        if due is not None and interrupts and now >= due:
            manager.interrupt_kernel()
            interrupts -= 1
            due = start = now
            due += pause  # without any, the system makes one signal of them
        try:
            message = client.get_iopub_msg(timeout=max(0, (end if due is None or not interrupts else due) - now))
        except queue.Empty:
            if now >= end:
                return {"status": "timeout", "outputs": outputs, "seconds": now - start}
            continue
        if message["parent_header"].get("msg_id") != sent:
            continue
        kind, content = message["msg_type"], message["content"]
        if kind == "status" and content["execution_state"] == "idle":
            break
        if kind in ("display_data", "update_display_data"):
            name = content.get("transient", {}).get("display_id")
            if kind == "update_display_data":
                displays[name].update(data=content["data"], updates=displays[name]["updates"] + 1)
            else:
                outputs.append({"type": kind, "data": content["data"], "updates": 0})
                displays[name] = outputs[-1]
        elif kind == "stream":
            outputs.append({"type": kind, "name": content["name"], "text": content["text"]})
        if interruptOn and interruptOn in json.dumps(content, ensure_ascii=False):
            interruptOn = None
            due = time.monotonic()
    seconds = time.monotonic() - start
    reply = client.get_shell_msg(timeout=60)
    while reply["parent_header"].get("msg_id") != sent:
        reply = client.get_shell_msg(timeout=60)
    return {"status": reply["content"]["status"], "outputs": outputs, "seconds": seconds}


json.dump(run(json.load(sys.stdin)), sys.stdout)

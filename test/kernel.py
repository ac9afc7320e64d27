"""Runs cells in a real TypeScript kernel, through Jupyter's protocol.

In (stdin, JSON): {"cwd", "cells": [{"code", "interruptOn"?, "interrupts"?, "pause"?}]}. Where an output contains `interruptOn`, the
kernel is interrupted once (or `interrupts` times, `pause` seconds apart), as the Stop button does. With "goOn" a failing cell
is not the last. Out (stdout, JSON): for each cell that ran {"status", "outputs"}.
"""
import json
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
                time.sleep(0.5)  # tslab drops what comes right after a failing cell
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return results


def execute(manager, client, code, interruptOn=None, interrupts=1, pause=0.05):
    outputs, displays = [], {}
    sent = client.execute(code)
    while True:
        message = client.get_iopub_msg(timeout=240)
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
            for _ in range(interrupts):
                manager.interrupt_kernel()
                time.sleep(pause)  # without any, the system makes one signal of them
    reply = client.get_shell_msg(timeout=60)
    while reply["parent_header"].get("msg_id") != sent:
        reply = client.get_shell_msg(timeout=60)
    return {"status": reply["content"]["status"], "outputs": outputs}


json.dump(run(json.load(sys.stdin)), sys.stdout)

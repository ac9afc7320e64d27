"""Plays a page that talks to the widgets of a real TypeScript kernel, through Jupyter's protocol.

In (stdin, JSON): {"cwd", "steps"}; a step is one of
  {"run": code}       runs a cell to its end; gives {"status", "text"}
  {"start": code}     runs a cell without waiting
  {"ask": type, "content"}           sends a request; gives the content of the reply
  {"send": data, "to": description, "forged"?}  sends a message to the widget so described; forged: signed with a wrong key
  {"open": target, "data"}           opens a comm and sends data; gives what comes back
  {"see": text, "within"?: seconds, "answers"?}  waits for it in what the kernel publishes; gives whether it came; answers: only
      what answers the last message that was sent to a widget
  {"stop": true}      interrupts the kernel
  {"sessions": true}  gives how many sessions the kernel's messages were of
  {"shutdown": true}  asks the kernel to end; gives whether its process has ended
Out (stdout, JSON): what each step gave.
"""
import json
import queue
import subprocess
import sys
import time
import uuid
from jupyter_client.manager import KernelManager
from jupyter_client.session import Session


class Page:
    def __init__(self, cwd):
        self.manager = KernelManager(kernel_name="tslab")
        # Not our own stdout: Node makes a shared pipe non-blocking.
        self.manager.start_kernel(cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.client = self.manager.client()
        self.client.start_channels()
        self.widgets = {}  # comm id by description
        self.sessions = set()
        self.sent = None

    def close(self):
        self.client.stop_channels()
        if self.manager.has_kernel:
            self.manager.shutdown_kernel(now=True)

    def next(self, timeout):
        message = self.client.get_iopub_msg(timeout=timeout)
        content = message["content"]
        self.sessions.add(message["header"]["session"])
        if message["msg_type"] == "comm_open":
            self.widgets[content["data"]["state"].get("description")] = content["comm_id"]
        return message

    def send(self, kind, content, session=None):
        session = session or self.client.session
        message = session.msg(kind, content)
        session.send(self.client.shell_channel.socket, message)
        return message["header"]["msg_id"]

    def reply(self, sent):
        while True:
            reply = self.client.get_shell_msg(timeout=60)
            self.sessions.add(reply["header"]["session"])
            if reply["parent_header"].get("msg_id") == sent:
                return reply["content"]

    def step(self, step):
        if "start" in step:
            return self.client.execute(step["start"])
        if "run" in step:
            sent, text = self.client.execute(step["run"]), ""
            while True:
                message = self.next(60)
                content = message["content"]
                if message["parent_header"].get("msg_id") != sent:
                    continue
                text += content.get("text", "") or content.get("data", {}).get("text/plain", "")
                if content.get("execution_state") == "idle":
                    return {"status": self.reply(sent)["status"], "text": text}
        if "ask" in step:
            return self.reply(self.send(step["ask"], step["content"]))
        if "send" in step:
            forged = Session(key=b"not the kernel's") if step.get("forged") else None
            self.sent = self.send("comm_msg", {"comm_id": self.widgets[step["to"]], "data": step["send"]}, forged)
            return None
        if "open" in step:
            comm = uuid.uuid4().hex
            self.send("comm_open", {"comm_id": comm, "target_name": step["open"], "data": {}})
            self.send("comm_msg", {"comm_id": comm, "data": step["data"]})
            while True:
                message = self.next(60)
                if message["content"].get("comm_id") == comm:
                    return {"type": message["msg_type"], "data": message["content"]["data"]}
        if "see" in step:
            end = time.time() + step.get("within", 60)
            while time.time() < end:
                try:
                    message = self.next(max(0.1, end - time.time()))
                except queue.Empty:
                    break
                if step.get("answers") and message["parent_header"].get("msg_id") != self.sent:
                    continue
                if step["see"] in json.dumps(message["content"], ensure_ascii=False):
                    return True
            return False
        if "stop" in step:
            return self.manager.interrupt_kernel()
        if "sessions" in step:
            return len(self.sessions)
        if "shutdown" in step:
            process = self.manager.provisioner.process
            self.manager.request_shutdown()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                pass
            return process.poll() is not None
        raise ValueError(step)


request = json.load(sys.stdin)
page = Page(request["cwd"])
try:
    page.client.wait_for_ready(timeout=60)
    results = [page.step(step) for step in request["steps"]]
finally:
    page.close()
json.dump(results, sys.stdout)

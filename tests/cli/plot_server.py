"""A Python that has imported matplotlib already, for tests that draw many pictures: importing it takes most of the time of a small one.

    with Drawer(folder) as program: os.environ["FROZENTL_PYTHON"] = program

`program` takes what `frozentl plot` hands to a Python (train/cli/python.c), with the same outputs and exit codes: it passes
its arguments and descriptors on to a server, which draws in a fork of itself, so that no picture knows of another.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PYTHON = os.path.join(ROOT, "build", "venv", "bin", "python")

CLIENT = """#!{python} -SE
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect({path!r})
    words = json.dumps([os.getcwd(), *sys.argv[5:]]).encode()
    socket.send_fds(server, [len(words).to_bytes(4, "little")], [1, 2])
    server.sendall(words)
    code = server.recv(1)
sys.exit(code[0] if code else 99)
"""


class Drawer:
    def __init__(self, folder):
        self.path, self.program = os.path.join(folder, "drawer"), os.path.join(folder, "drawing-python")

    def __enter__(self):
        with open(self.program, "w") as f:
            f.write(CLIENT.format(python=os.path.realpath(sys.executable), path=self.path))
        os.chmod(self.program, 0o755)
        self.server = subprocess.Popen([PYTHON, "-B", os.path.abspath(__file__), self.path], stdout=subprocess.PIPE)
        if self.server.stdout.readline() != b"ready\n":
            raise RuntimeError("the server that draws did not start")
        return self.program

    def __exit__(self, *_):
        self.server.kill()
        self.server.wait()
        self.server.stdout.close()


def received(connection, n):
    text = b""
    while len(text) < n:
        text += connection.recv(n - len(text)) or sys.exit("the client is gone")
    return text


def draw(connection, main):
    """In the fork: what the client was asked for, on its descriptors."""
    length, descriptors, _, _ = socket.recv_fds(connection, 4, 2)
    folder, *arguments = json.loads(received(connection, int.from_bytes(length, "little")))
    for k, descriptor in enumerate(descriptors, 1):
        os.dup2(descriptor, k)
        os.close(descriptor)
    os.chdir(folder)
    try:
        code = main(arguments)
    except BaseException:  # as the interpreter ends
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    connection.sendall(bytes([code]))


def serve(path):
    sys.path.insert(0, os.path.join(ROOT, "python"))
    from frozentl.plot import answers, command, curve, errors, history, parity, style  # noqa: F401

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        print("ready", flush=True)
        while True:
            connection, _ = listening.accept()
            with connection:
                if os.fork() == 0:
                    listening.close()
                    draw(connection, command.main)
                    os._exit(0)


if __name__ == "__main__":
    serve(sys.argv[1])

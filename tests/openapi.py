"""Holds the running app to its own description, /api/openapi.json, by Schemathesis.

Starts `demo --keep`, logs one user in as a browser would, and sends what the description allows and what it forbids,
with the API key and without one. Give it the program's path, and run it by scripts/python's Python.
"""

import subprocess
import sys
from pathlib import Path

import requests

# The same requests each time; another number tries others.
SEED = 1
# Seconds for each of the two runs, far more than they take.
PATIENCE = 60
SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
HERE = Path(__file__).parent


def main():
    [program] = sys.argv[1:]
    command = [program, "demo", "--keep", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as demo:
        try:
            app = said_after("Open ", demo).rstrip("/")
            key = said_after("Bearer ", demo).split('"')[0]
            log_in(app)
            header = {"Authorization": f"Bearer {key}"}
            description = requests.get(f"{app}/api/openapi.json", headers=header, timeout=PATIENCE)
            description.raise_for_status()
            with tempfile
        finally:
            demo.kill()

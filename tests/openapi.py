"""Holds the running app to its own description, /api/openapi.json, by Schemathesis.

Starts `demo --keep`, logs one user in as a browser would, and sends what the description allows and what it forbids,
with the API key and without one. Give it the program's path, and run it by the Python that scripts/python makes.
"""

import copy
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import requests

# Seconds: the life of the demo's tokens, and how long one run may take, which is many times what it does.
LIFE = 24 * 60 * 60
PATIENCE = 300
TOKEN_ENDPOINT = "/oauth/token"
METADATA = "/.well-known/oauth-authorization-server"
CONFIG = Path(__file__).resolve().with_name("schemathesis.toml")
SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")


def main(program):
    command = [program, "demo", "--keep", "--port", "0", "--access-ttl", f"{LIFE}s"]
    # Thousands of refusals are what it is for; only a fault is worth a line.
    environment = os.environ | {"RUST_LOG": "error"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as demo:
        try:
            app = said(demo, "Open ").rstrip("/")
            key = said(demo, "Bearer ").split('"')[0]
            log_in(app, "ada@example.com")
            description = described(app, key)
            print("With the API key:", flush=True)
            with_key = run(app, with_limits(description), "--header", f"Authorization: Bearer {key}")
            print("As an OAuth client:", flush=True)
            as_client = run(app, of_client(description, key))
            print("Without it:", flush=True)
            without_key = run(app, refusing(description), "--warnings", "off")
        finally:
            demo.kill()
    return with_key or as_client or without_key


def said(demo, mark):
    """What stands behind a mark in the demo's welcome, to the end of the line."""
    for line in demo.stdout:
        _, found, rest = line.partition(mark)
        if found:
            return rest.strip()
    sys.exit(f"the demo ended before it said {mark!r}")


def log_in(app, user):
    with requests.Session() as browser:
        browser.trust_env = False  # No proxy of this machine's knows the demo.
        page = browser.get(f"{app}/auth/videoask", timeout=PATIENCE)
        page = browser.post(page.url, data={"user": user, "decision": "approve"}, timeout=PATIENCE)
    if page.url != f"{app}/tokens":
        sys.exit(f"the login ended on {page.url} with {page.status_code}")


def described(app, key):
    with requests.Session() as machine:
        machine.trust_env = False
        machine.headers["Authorization"] = f"Bearer {key}"
        answer = machine.get(f"{app}/api/openapi.json", timeout=PATIENCE)
    answer.raise_for_status()
    return answer.json()


def with_limits(description):
    """The description, with what it can only say in words: how long `min_ttl` may be where tokens live so long."""
    description = copy.deepcopy(description)
    del description["paths"][TOKEN_ENDPOINT]
    parameters = description["paths"]["/api/token"]["get"]["parameters"]
    [min_ttl] = [parameter for parameter in parameters if parameter["name"] == "min_ttl"]
    # Half a day: 43200 seconds, in each unit.
    assert LIFE // 2 == 43200
    limits = [
        "([0-9]{1,4}|[1-3][0-9]{4}|4[0-2][0-9]{3}|43[01][0-9]{2}|43200)s?",
        "([0-9]{1,7}|[1-3][0-9]{7}|4[0-2][0-9]{6}|43[01][0-9]{5}|43200000)ms",
        "([0-9]{1,2}|[1-6][0-9]{2}|7[01][0-9]|720)m",
        "([0-9]|1[0-2])h",
        "0d",
    ]
    min_ttl["schema"]["pattern"] = f"^0*({'|'.join(limits)})$"
    return description


def of_client(description, key):
    """The description of the token endpoint, with credentials that it knows."""
    description = copy.deepcopy(description)
    description["paths"] = {TOKEN_ENDPOINT: description["paths"][TOKEN_ENDPOINT]}
    request = description["components"]["schemas"]["TokenRequest"]
    request["properties"]["client_id"] = {"enum": ["default", "ada@example.com"]}
    request["properties"]["client_secret"] = {"const": key}
    request["required"] = ["grant_type", "client_id", "client_secret"]
    return description


def refusing(description):
    """The description of the same routes to who has no key: they all answer 401, or 400 to a request that is none."""
    description = copy.deepcopy(description)
    del description["paths"][METADATA]
    for path, operations in description["paths"].items():
        statuses = ["400", "401"] if path == TOKEN_ENDPOINT else ["401"]
        for operation in operations.values():
            operation["responses"] = {status: operation["responses"][status] for status in statuses}
    return description


def run(app, description, *options):
    """Runs Schemathesis to its end, in a folder that goes with all it leaves there."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "openapi.json").write_text(json.dumps(description))
        command = [SCHEMATHESIS, "--config-file", CONFIG, "run", "openapi.json", "--url", app, *options]
        return subprocess.run(command, cwd=folder, timeout=PATIENCE, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

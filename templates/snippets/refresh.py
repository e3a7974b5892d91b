# Lists your forms, and gets the next access token when one has expired. Needs requests: pip install requests
# Save "Download JSON" as videoask.json beside this program, and set CLIENT_ID and CLIENT_SECRET.
# Let only one program use that file.
import json
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import requests

API_URL = os.environ.get("VIDEOASK_API_URL", "__API_URL__")
AUTH_URL = os.environ.get("VIDEOASK_AUTH_URL", "__AUTH_URL__")
TOKENS = Path(os.environ.get("VIDEOASK_TOKENS", "videoask.json"))
NEW_TOKENS = TOKENS.with_name(TOKENS.name + ".new")


def load():
    try:
        # A program that was stopped between writing and renaming left its tokens here.
        if NEW_TOKENS.stat().st_mtime > TOKENS.stat().st_mtime:
            json.loads(NEW_TOKENS.read_text())
            os.replace(NEW_TOKENS, TOKENS)
    except (FileNotFoundError, ValueError):
        pass
    return json.loads(TOKENS.read_text())


def save(tokens):
    # Replaces the file as a whole, so that it is never half written.
    NEW_TOKENS.unlink(missing_ok=True)
    with open(os.open(NEW_TOKENS, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(tokens, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(NEW_TOKENS, TOKENS)


def refresh(tokens):
    now = datetime.now(timezone.utc)
    response = requests.post(
        f"{AUTH_URL}/oauth/token",
        data={
            "grant_type": "refresh_token",
            "client_id": os.environ["CLIENT_ID"],
            "client_secret": os.environ["CLIENT_SECRET"],
            "refresh_token": tokens["refresh_token"],
        },
        timeout=30,
    )
    if not response.ok:
        raise SystemExit(f"VideoAsk did not refresh ({response.status_code}): {response.text}")
    answer = response.json()
    expires_at = now + timedelta(seconds=answer.get("expires_in", 300))
    tokens = {
        "access_token": answer["access_token"],
        # With rotation, the answer has a new refresh token, and the old one no longer works.
        "refresh_token": answer.get("refresh_token") or tokens["refresh_token"],
        "expires_at": expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    save(tokens)
    return tokens


def get(path, **params):
    def call(tokens):
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        return requests.get(API_URL + path, headers=headers, params=params, timeout=30)

    tokens = load()
    expires_at = datetime.fromisoformat(tokens["expires_at"].replace("Z", "+00:00"))
    valid = expires_at - datetime.now(timezone.utc) >= timedelta(minutes=1)
    response = call(tokens if valid else refresh(tokens))
    if valid and response.status_code == 401:
        response = call(refresh(tokens))
    response.raise_for_status()
    return response.json()


for form in get("/forms", limit=20)["results"]:
    print(form["title"])

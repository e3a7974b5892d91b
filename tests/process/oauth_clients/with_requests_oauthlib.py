"""Asks whose token it gets by requests-oauthlib, in each way to send the credentials."""

import os

from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error
from requests_oauthlib import OAuth2Session

CLIENT_ID, CLIENT_SECRET = os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"]

for method, credentials in (
    ("basic", {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}),
    ("post", {"include_client_id": True, "client_secret": CLIENT_SECRET}),
):
    session = OAuth2Session(client=BackendApplicationClient(client_id=CLIENT_ID))
    try:
        session.fetch_token(os.environ["APP_URL"] + "/oauth/token", **credentials)
        print(method, session.get(os.environ["API_URL"] + "/me", timeout=60).json()["email"])
    except OAuth2Error as error:
        print(method, error.error)

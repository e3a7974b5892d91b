"""Asks whose token it gets by Authlib, which looks the endpoint up, in each way to send the credentials."""

import os

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url

response = requests.get(get_well_known_url(os.environ["APP_URL"], external=True), timeout=60)
metadata = AuthorizationServerMetadata(response.json())
metadata.validate()

for method in metadata["token_endpoint_auth_methods_supported"]:
    session = OAuth2Session(
        os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"], token_endpoint_auth_method=method
    )
    name = method.removeprefix("client_secret_")
    try:
        session.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
        print(name, session.get(os.environ["API_URL"] + "/me", timeout=60).json()["email"])
    except OAuthError as error:
        print(name, error.error)

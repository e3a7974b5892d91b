# Needs requests: pip install requests
import os

import requests

secret = os.environ["__VARIABLE__"]
response = requests.get(
    "__BASE_URL__/forms",
    headers={"Authorization": f"Bearer {secret}"},
    params={"limit": 20},
    timeout=30,
)
response.raise_for_status()
for form in response.json()["results"]:
    print(form["title"])

# Needs curl and jq.
# Piping the header keeps the token out of the process list.
forms=$(printf 'Authorization: Bearer %s' "$__VARIABLE__" |
  curl --fail --silent --show-error --max-time 30 --header @- \
    "__BASE_URL__/forms?limit=20") &&
printf '%s\n' "$forms" | jq --raw-output '.results[].title'

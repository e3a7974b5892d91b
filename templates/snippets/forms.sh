# Needs curl and jq.
forms=$(curl --fail --silent --show-error --max-time 30 \
  --header "Authorization: Bearer $__VARIABLE__" \
  "__BASE_URL__/forms?limit=20") &&
printf '%s\n' "$forms" | jq --raw-output '.results[].title'

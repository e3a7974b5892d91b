# Prints whose token curl gets, or the error, for each way to send the credentials.
set -eu

owner() {
    token=$(printf %s "$2" | jq --raw-output '.access_token // empty')
    if [ -n "$token" ]; then
        printf '%s ' "$1"
        printf 'Authorization: Bearer %s' "$token" | curl --silent --header @- "$API_URL/me" | jq --raw-output .email
    else
        printf '%s ' "$1"
        printf %s "$2" | jq --raw-output .error
    fi
}

form='grant_type=client_credentials'
owner basic "$(curl --silent --user "$CLIENT_ID:$CLIENT_SECRET" --data "$form" "$APP_URL/oauth/token")"
owner post "$(curl --silent --data "$form" --data-urlencode "client_id=$CLIENT_ID" \
    --data-urlencode "client_secret=$CLIENT_SECRET" "$APP_URL/oauth/token")"

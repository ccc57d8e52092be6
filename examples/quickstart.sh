WEBHOOK_SECRET='quickstart-secret'
NONCE=$(uuidgen 2>/dev/null || openssl rand -hex 16)
sign() { openssl dgst -sha256 -hmac "$WEBHOOK_SECRET" | sed 's/^.* //'; }
deliver() {
  curl -si http://localhost:8000/webhooks/github/primary -H "Content-Type: application/json" \
    -H "X-GitHub-Delivery: $NONCE" -H "X-GitHub-Event: pull_request" -H "X-Hub-Signature-256: sha256=$SIG" "$@"
  echo
}
BODY='{"action":"opened","number":7,"pull_request":{"id":42}}'
SIG=$(printf '%s' "$BODY" | sign)
deliver --data "$BODY"                # 204: accepted
deliver --data "$BODY"                # 204 with Webhook-Duplicate: true, and the handler does not run
deliver --data "$BODY "               # 401: tampered
SIG=$(printf '[]' | sign)
deliver --data '[]'                   # 400: signed, and not a JSON object
head -c 1048577 /dev/zero | deliver --data-binary @-   # 413: one byte too many
# end

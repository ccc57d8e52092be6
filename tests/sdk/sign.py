"""Signs with the SDKs and delivers: a line `sdk, scheme, case, status, id sent, id answered` each."""

import http.client
import json
import os
import sys
import time as clock
from datetime import datetime, timezone
from urllib.parse import parse_qsl, urlsplit

import Adyen.util as adyen
from hubspot.utils.signature import Signature as HubSpot
from nacl.signing import SigningKey
from paddle_billing.Notifications.PaddleSignature import PaddleSignature
from slack_sdk.signature import SignatureVerifier
from standardwebhooks import Webhook as Standard
from stripe import WebhookSignature
from svix.webhooks import Webhook as Svix
from twilio.request_validator import RequestValidator

asked = json.load(sys.stdin)
schemes = asked["schemes"]
base = urlsplit(asked["base"])


class Form:
    """The fields of a form, as the SDK wants them from a framework."""

    def __init__(self, body):
        self.pairs = parse_qsl(body, keep_blank_values=True)

    def __iter__(self):
        return iter(key for key, _ in self.pairs)

    def __len__(self):
        return len(self.pairs)

    def getall(self, name):
        return [value for key, value in self.pairs if key == name]


def stripe(secret, body, time, **_):
    return {"Stripe-Signature": WebhookSignature.generate_signature_header(body, secret, time)}


def standard(secret, body, time, id, sdk=Standard, prefix="webhook", **_):
    when = datetime.fromtimestamp(time, tz=timezone.utc)
    return {
        f"{prefix}-id": id,
        f"{prefix}-timestamp": str(time),
        f"{prefix}-signature": sdk(secret).sign(id, when, body),
    }


def svix(**delivery):
    return standard(**delivery, sdk=Svix, prefix="svix")


def slack(secret, body, time, **_):
    signature = SignatureVerifier(secret).generate_signature(timestamp=str(time), body=body)
    return {"X-Slack-Request-Timestamp": str(time), "X-Slack-Signature": signature}


def twilio(secret, body, url, id, algorithm=None, **_):
    signature = RequestValidator(secret).compute_signature(url, Form(body), algorithm)
    return {"I-Twilio-Idempotency-Token": id, "X-Twilio-Signature": signature}


def twilio_shared(**delivery):
    settings = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"
    headers = twilio(**delivery, algorithm="HMAC_SHA256")
    return {**headers, "X-Twilio-Webhooks-Signature-Settings": settings}


def twilio_hashed(secret, body, url, id, **_):
    validator = RequestValidator(secret)
    query = f"?bodySHA256={validator.compute_hash(body)}"
    signature = validator.compute_signature(url + query, {})
    return {"I-Twilio-Idempotency-Token": id, "X-Twilio-Signature": signature, "query": query}


def paddle(secret, body, time, **_):
    mac = PaddleSignature.calculate_hmac(secret, f"{time}:{body}".encode()).hexdigest()
    return {"Paddle-Signature": f"ts={time};h1={mac}"}


def hubspot(secret, body, time, url, version="v3", **_):
    stamp = f"{time}000"
    mac = HubSpot.get_signature(secret, body, version, url, "POST", stamp)
    if version == "v3":
        return {"X-HubSpot-Signature-v3": mac, "X-HubSpot-Request-Timestamp": stamp}
    return {"X-HubSpot-Signature": mac, "X-HubSpot-Signature-Version": version}


def adyen_platform(secret, body, **_):
    return {"HmacSignature": adyen.generate_payload_sig(body.encode(), secret).decode()}


def adyen_payments(secret, body, **_):
    item = json.loads(body)["notificationItems"][0]["NotificationRequestItem"]
    mac = adyen.generate_notification_sig(item, secret).decode()
    return {"body": body.replace("{{signature}}", mac)}


def discord(secret, body, time, **_):
    signature = SigningKey(bytes.fromhex(secret)).sign(f"{time}{body}".encode()).signature
    return {"X-Signature-Timestamp": str(time), "X-Signature-Ed25519": signature.hex()}


SIGNERS = [
    ("stripe", "stripe.v1", stripe),
    ("standardwebhooks", "standard_webhooks.v1", standard),
    ("svix", "svix.v1", svix),
    ("slack_sdk", "slack.v0", slack),
    ("twilio", "twilio.form", twilio),
    ("twilio", "twilio.shared_key", twilio_shared),
    ("twilio", "twilio.body_sha256", twilio_hashed),
    ("paddle-python-sdk", "paddle.h1", paddle),
    ("hubspot-api-client", "hubspot.v3", hubspot),
    ("hubspot-api-client", "hubspot.v2_legacy", lambda **d: hubspot(**d, version="v2")),
    ("hubspot-api-client", "hubspot.v1_legacy", lambda **d: hubspot(**d, version="v1")),
    ("adyen", "adyen.platform_raw", adyen_platform),
    ("adyen", "adyen.payments_fields", adyen_payments),
    ("pynacl", "discord.ed25519", discord),
]


def deliver(scheme, headers, body):
    headers = {"Content-Type": schemes[scheme]["media"], **headers}
    query = headers.pop("query", "")
    connection = http.client.HTTPConnection(base.hostname, base.port, timeout=20)
    connection.request("POST", f"/{scheme}{query}", body.encode(), headers)
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status, response.getheader("x-delivery-id", "")


def spoil(headers, name, prefix):
    """Another first digit."""
    key = next(key for key in headers if key.lower() == name)
    text = headers[key]
    at = text.rindex(prefix) + len(prefix) if prefix else 0
    digit = "1" if text[at] == "0" else "0"
    return {**headers, key: text[:at] + digit + text[at + 1 :]}


count = 0


def prepare(payload, time, secret, url):
    global count
    count += 1
    id = f"python_{os.getpid()}_{count}"
    body = payload.replace("{{id}}", id).replace("{{ms}}", f"{time}000")
    return {"secret": secret, "url": url, "time": time, "id": id, "body": body}


def try_all(sdk, scheme, sign):
    facts = schemes[scheme]

    def attempt(case, payload, age=0, secret=facts["secret"], change=None, spoils=False):
        delivery = prepare(payload, int(clock.time()) - age, secret, facts["url"])
        headers = sign(**delivery)
        body = headers.pop("body", delivery["body"])
        if change:
            body = body.replace("untouched", change)
        if spoils:
            headers = spoil(headers, facts["signature"], facts["prefix"])
        status, id = deliver(scheme, headers, body)
        line = [f"{sdk} (PyPI)", scheme, case, str(status), delivery["id"], id]
        print("\t".join(line))

    for name, payload in facts["payloads"]:
        attempt(f"signed: {name}", payload)
        attempt(f"body changed: {name}", payload, change="untouchee")
    plain = facts["payloads"][0][1]
    if facts["signature"]:
        attempt("signature changed", plain, spoils=True)
    attempt("another secret", plain, secret=facts["other"])
    if facts["tolerance"]:
        attempt("stale", plain, age=facts["tolerance"] + 60)


for sdk, scheme, sign in SIGNERS:
    try_all(sdk, scheme, sign)

"""Asks the SDKs about deliveries: a line `sdk, number of the delivery, accept or reject, why` each."""

import contextlib
import datetime
import io
import json
import sys
import time
from urllib.parse import parse_qsl

# The clock of the SDKs, set before they take their copies of it.
seconds = time.time()
time.time = lambda: seconds


class Moment(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(seconds, tz)


import Adyen.util as adyen
import hubspot.utils.signature
import standardwebhooks.webhooks
import workos
from discord_interactions import verify_key
from paddle_billing.Notifications import Secret, Verifier
from sendgrid.helpers.eventwebhook import EventWebhook
from slack_sdk.signature import SignatureVerifier
from square.utils.webhooks_helper import verify_signature as square
from stripe import WebhookSignature
from svix.webhooks import Webhook as Svix
from twilio.request_validator import RequestValidator, get_signature_algorithm

hubspot.utils.signature.datetime = Moment
standardwebhooks.webhooks.datetime = Moment


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


class Request:
    """What Paddle wants of a request."""

    def __init__(self, headers, body):
        signature = headers.get("paddle-signature")
        self.headers = {"Paddle-Signature": signature} if signature else {}
        self.body = body.encode()


def stripe(secret, body, headers, **_):
    return WebhookSignature.verify_header(body.encode(), headers.get("stripe-signature"), secret, 300)


def standard(secret, body, headers, **_):
    standardwebhooks.webhooks.Webhook(secret).verify(body.encode(), headers, json_parse=False)


def svix(secret, body, headers, **_):
    Svix(secret).verify(body.encode(), headers)


def slack(secret, body, headers, **_):
    return SignatureVerifier(secret).is_valid_request(body.encode(), headers)


def twilio(secret, body, headers, url, **_):
    algorithm = get_signature_algorithm(headers.get("x-twilio-webhooks-signature-settings"))
    params = body if "bodySHA256" in url else Form(body)
    signature = headers["x-twilio-signature"]
    return RequestValidator(secret).validate(url, params, signature, algorithm)


def discord(secret, body, headers, **_):
    # It prints what it catches.
    with contextlib.redirect_stdout(io.StringIO()):
        signature, stamp = headers["x-signature-ed25519"], headers["x-signature-timestamp"]
        return verify_key(body.encode(), signature, stamp, secret)


def sendgrid(secret, body, headers, **_):
    name = "x-twilio-email-event-webhook"
    signature, stamp = headers[f"{name}-signature"], headers[f"{name}-timestamp"]
    return EventWebhook(secret).verify_signature(body, signature, stamp)


def by_square(secret, body, headers, url, **_):
    return square(
        request_body=body,
        signature_header=headers["x-square-hmacsha256-signature"],
        signature_key=secret,
        notification_url=url,
    )


def paddle(secret, body, headers, **_):
    return Verifier().verify(Request(headers, body), [Secret(secret)])


def by_workos(secret, body, headers, **_):
    client = workos.WorkOSClient(api_key="sk_test_1", client_id="client_1")
    client.webhooks.verify_header(
        event_body=body.encode(), event_signature=headers["workos-signature"], secret=secret
    )


def by_hubspot(secret, body, headers, url, version="v3", **_):
    name = "x-hubspot-signature-v3" if version == "v3" else "x-hubspot-signature"
    return hubspot.utils.signature.Signature.is_valid(
        signature=headers[name],
        client_secret=secret,
        request_body=body,
        http_uri=url,
        signature_version=version,
        timestamp=headers.get("x-hubspot-request-timestamp"),
    )


def adyen_platform(secret, body, headers, **_):
    return adyen.is_valid_hmac_payload(headers["hmacsignature"], secret, body.encode())


def adyen_payments(secret, body, **_):
    return adyen.is_valid_hmac_notification(json.loads(body), secret)


VERIFIERS = {
    "stripe.v1": ("stripe", stripe),
    "standard_webhooks.v1": ("standardwebhooks", standard),
    "svix.v1": ("svix", svix),
    "slack.v0": ("slack_sdk", slack),
    "twilio.form": ("twilio", twilio),
    "twilio.shared_key": ("twilio", twilio),
    "twilio.body_sha256": ("twilio", twilio),
    "discord.ed25519": ("discord-interactions", discord),
    "sendgrid.ecdsa_p256": ("sendgrid", sendgrid),
    "square.hmacsha256": ("squareup", by_square),
    "paddle.h1": ("paddle-python-sdk", paddle),
    "workos.v1": ("workos", by_workos),
    "hubspot.v3": ("hubspot-api-client", by_hubspot),
    "hubspot.v2_legacy": ("hubspot-api-client", lambda **d: by_hubspot(**d, version="v2")),
    "hubspot.v1_legacy": ("hubspot-api-client", lambda **d: by_hubspot(**d, version="v1")),
    "adyen.platform_raw": ("adyen", adyen_platform),
    "adyen.payments_fields": ("adyen", adyen_payments),
}

for index, delivery in enumerate(json.load(sys.stdin)):
    if delivery["scheme"] not in VERIFIERS:
        continue
    sdk, verify = VERIFIERS[delivery["scheme"]]
    seconds = delivery["now"]
    verdict, why = "accept", ""
    try:
        # Some answer, some raise, and one says `None` where there is nothing to say.
        if verify(**delivery) is False:
            verdict = "reject"
    except Exception as error:
        verdict = "reject"
        why = " ".join(f"{type(error).__name__}: {error}".split())[:90]
    print("\t".join([f"{sdk} (PyPI)", str(index), verdict, why]))

//! The schemes that an official SDK signs or verifies.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p256::pkcs8::EncodePublicKey as _;
use tower_webhook::scheme::catalog::{self, Entry, SecretFormat};

pub(super) struct Provider {
    pub(super) scheme: &'static str,
    /// What deliveries are signed with: a text, or the seed of a key pair in hex digits.
    pub(super) secret: &'static str,
    /// Another of the kind, that the receiver does not know.
    pub(super) other: &'static str,
    /// The header of the signature; none where it stands in the body.
    pub(super) signature: &'static str,
    /// What stands before the signature.
    pub(super) prefix: &'static str,
    pub(super) clock: Clock,
    pub(super) shape: Shape,
    /// What the provider's payloads have, with `{{id}}`, `{{ms}}` and
    /// `{{signature}}` in it.
    pub(super) fields: &'static str,
    /// Headers that are not signed, and that the SDK wants.
    pub(super) extra: &'static [(&'static str, &'static str)],
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Object,
    Array,
    Form,
}

/// Where the signed time stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Clock {
    None,
    Seconds(&'static str),
    Millis(&'static str),
    /// In the header of the signature.
    Inside,
    InsideMillis,
    /// In the payload, in milliseconds.
    Payload,
}

fn ed25519(seed: &str) -> ed25519_dalek::SigningKey {
    ed25519_dalek::SigningKey::from_bytes(&const_hex::decode_to_array(seed).unwrap())
}

fn p256(seed: &str) -> p256::ecdsa::SigningKey {
    p256::ecdsa::SigningKey::from_slice(&const_hex::decode(seed).unwrap()).unwrap()
}

const TEXT: Provider = Provider {
    scheme: "",
    secret: "the secret of the tests, long enough",
    other: "another secret, and as long as that",
    signature: "",
    prefix: "",
    clock: Clock::None,
    shape: Shape::Object,
    fields: r#""id":"{{id}}","type":"thing.changed""#,
    extra: &[],
};

const WHSEC: Provider = Provider {
    secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    other: "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
    prefix: "v1,",
    ..TEXT
};

const SVIX: Provider = Provider {
    scheme: "svix.v1",
    signature: "svix-signature",
    clock: Clock::Seconds("svix-timestamp"),
    ..WHSEC
};

const ADYEN: Provider = Provider {
    secret: "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056",
    other: "009E9E92268087AAD241638D3325201AFF8AAAA2D2B4B2B9FBE9D4E9F3F2D0C3",
    ..TEXT
};

pub(super) const PROVIDERS: &[Provider] = &[
    Provider {
        scheme: "stripe.v1",
        secret: "whsec_9b1f0f4c2d7e4a53b8c6e0d1a2f3b4c5",
        signature: "stripe-signature",
        prefix: "v1=",
        clock: Clock::Inside,
        ..TEXT
    },
    Provider {
        scheme: "standard_webhooks.v1",
        signature: "webhook-signature",
        clock: Clock::Seconds("webhook-timestamp"),
        ..WHSEC
    },
    SVIX,
    Provider {
        scheme: "resend.svix",
        ..SVIX
    },
    Provider {
        scheme: "github.sha256",
        signature: "x-hub-signature-256",
        prefix: "sha256=",
        ..TEXT
    },
    Provider {
        scheme: "slack.v0",
        signature: "x-slack-signature",
        prefix: "v0=",
        clock: Clock::Seconds("x-slack-request-timestamp"),
        fields: r#""event_id":"{{id}}","type":"event_callback""#,
        ..TEXT
    },
    Provider {
        scheme: "shopify.hmac",
        signature: "x-shopify-hmac-sha256",
        extra: &[
            ("x-shopify-topic", "orders/create"),
            ("x-shopify-shop-domain", "shop.example.com"),
            ("x-shopify-api-version", "2026-07"),
        ],
        ..TEXT
    },
    Provider {
        scheme: "shopify.events",
        signature: "shopify-hmac-sha256",
        extra: &[
            ("shopify-topic", "product"),
            ("shopify-shop-domain", "shop.example.com"),
            ("shopify-api-version", "2026-07"),
            ("shopify-event-id", "event-1"),
        ],
        ..TEXT
    },
    Provider {
        scheme: "linear.hmac",
        signature: "linear-signature",
        clock: Clock::Payload,
        fields: r#""webhookTimestamp":{{ms}},"type":"Issue","action":"update""#,
        ..TEXT
    },
    Provider {
        scheme: "twilio.form",
        signature: "x-twilio-signature",
        shape: Shape::Form,
        fields: "MessageSid={{id}}&From=%2B15550100&Empty=&Media=b&Media=a&Media=b",
        ..TEXT
    },
    Provider {
        scheme: "twilio.shared_key",
        signature: "x-twilio-signature",
        shape: Shape::Form,
        fields: "MessageSid={{id}}&From=%2B15550100&Empty=&Media=b&Media=a&Media=b",
        ..TEXT
    },
    Provider {
        scheme: "twilio.body_sha256",
        signature: "x-twilio-signature",
        ..TEXT
    },
    Provider {
        scheme: "discord.ed25519",
        secret: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        other: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        signature: "x-signature-ed25519",
        clock: Clock::Seconds("x-signature-timestamp"),
        fields: r#""id":"{{id}}","type":2"#,
        ..TEXT
    },
    Provider {
        scheme: "sendgrid.ecdsa_p256",
        secret: "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
        other: "1ccbe91c075fc7f4f033bfa248db8fccd3565de94bbfb12f3c59ff46c271bf83",
        signature: "x-twilio-email-event-webhook-signature",
        clock: Clock::Seconds("x-twilio-email-event-webhook-timestamp"),
        shape: Shape::Array,
        fields: r#""sg_event_id":"{{id}}","event":"open""#,
        ..TEXT
    },
    Provider {
        scheme: "square.hmacsha256",
        signature: "x-square-hmacsha256-signature",
        fields: r#""event_id":"{{id}}","type":"payment.updated""#,
        ..TEXT
    },
    Provider {
        scheme: "paddle.h1",
        secret: "pdl_ntfset_01hkpfm6pxh5wpmmfhwj6r4n9s_QYbd7Xv7",
        signature: "paddle-signature",
        prefix: "h1=",
        clock: Clock::Inside,
        fields: r#""notification_id":"{{id}}","event_type":"transaction.paid""#,
        ..TEXT
    },
    Provider {
        scheme: "workos.v1",
        signature: "workos-signature",
        prefix: "v1=",
        clock: Clock::InsideMillis,
        fields: r#""id":"{{id}}","event":"user.created""#,
        ..TEXT
    },
    Provider {
        scheme: "notion.sha256",
        secret: "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl",
        signature: "x-notion-signature",
        prefix: "sha256=",
        ..TEXT
    },
    Provider {
        scheme: "hubspot.v3",
        signature: "x-hubspot-signature-v3",
        clock: Clock::Millis("x-hubspot-request-timestamp"),
        shape: Shape::Array,
        fields: r#""eventId":"{{id}}","subscriptionType":"contact.creation""#,
        ..TEXT
    },
    Provider {
        scheme: "hubspot.v1_legacy",
        signature: "x-hubspot-signature",
        shape: Shape::Array,
        fields: r#""eventId":"{{id}}","subscriptionType":"contact.creation""#,
        ..TEXT
    },
    Provider {
        scheme: "hubspot.v2_legacy",
        signature: "x-hubspot-signature",
        fields: r#""objectId":"{{id}}""#,
        ..TEXT
    },
    Provider {
        scheme: "adyen.platform_raw",
        signature: "hmacsignature",
        ..ADYEN
    },
    Provider {
        scheme: "adyen.payments_fields",
        fields: concat!(
            r#""live":"false","notificationItems":[{"NotificationRequestItem":{"#,
            r#""additionalData":{"hmacSignature":"{{signature}}"},"pspReference":"{{id}}","#,
            r#""amount":{"value":1130,"currency":"EUR"},"merchantAccountCode":"Test","#,
            r#""merchantReference":"untouched","eventCode":"AUTHORISATION","success":"true"}}]"#
        ),
        ..ADYEN
    },
];

impl Provider {
    pub(super) fn entry(&self) -> &'static Entry {
        catalog::find(self.scheme).unwrap()
    }

    /// What the receiver is given: the secret or the public key.
    pub(super) fn verifying(&self) -> String {
        match self.entry().secret {
            SecretFormat::Ed25519Hex => const_hex::encode(ed25519(self.secret).verifying_key()),
            SecretFormat::Spki => {
                let key = p256(self.secret).verifying_key().to_public_key_der();
                STANDARD.encode(key.unwrap().as_bytes())
            }
            _ => self.secret.into(),
        }
    }

    pub(super) fn media(&self) -> &'static str {
        match self.shape {
            Shape::Form => "application/x-www-form-urlencoded",
            _ => "application/json",
        }
    }

    pub(super) fn signs_time(&self) -> bool {
        self.clock != Clock::None
    }

    /// A time as the provider writes it.
    pub(super) fn time(&self, seconds: i64) -> String {
        match self.clock {
            Clock::Millis(_) | Clock::InsideMillis | Clock::Payload => format!("{seconds}000"),
            _ => seconds.to_string(),
        }
    }

    /// Payloads with their names, `{{id}}`, `{{ms}}` and `{{signature}}` still in them.
    pub(super) fn payloads(&self) -> Vec<(&'static str, String)> {
        let fields = self.fields;
        if self.shape == Shape::Form {
            return vec![
                ("plain", format!("{fields}&Body=untouched")),
                (
                    "unicode",
                    format!("{fields}&Body=untouched+%E2%98%82%0D%0A%26%3D%2B&%C3%A9=%25"),
                ),
                (
                    "long",
                    format!("{fields}&Body=untouched&Text={}", "abc+%7E".repeat(9000)),
                ),
            ];
        }
        let (open, close) = match self.shape {
            Shape::Array => ("[{", "}]\r\n"),
            _ => ("{", "}"),
        };
        let unicode = r#""naïve ☂ 漢字 🚀""#;
        vec![
            (
                "plain",
                format!(r#"{open}{fields},"note":"untouched"{close}"#),
            ),
            (
                "spaced",
                format!("{open}\n  {fields},\n\t\"note\" : \"untouched\"\r\n{close}\n"),
            ),
            (
                "unicode",
                format!(r#"{open}{fields},"note":"untouched","text":{unicode}{close}"#),
            ),
            (
                "escaped",
                format!(r#"{open}{fields},"note":"untouched","text":"\u00e9\/"{close}"#),
            ),
            (
                "long",
                format!(
                    r#"{open}{fields},"note":"untouched","text":"{}"{close}"#,
                    "abcdé~".repeat(9000)
                ),
            ),
        ]
    }
}

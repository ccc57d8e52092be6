//! The schemes that an official SDK signs or verifies, and how each of them signs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use p256::pkcs8::EncodePublicKey as _;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use crate::receiver::public_url;

pub(super) type Headers = Vec<(&'static str, String)>;

pub(super) struct Provider {
    pub(super) scheme: &'static str,
    /// What deliveries are signed with: a text, or the seed of a key pair in hex digits.
    pub(super) secret: &'static str,
    /// Another of the kind, that the receiver does not know.
    pub(super) other: &'static str,
    keys: Keys,
    /// The header of the signature; none where it stands in the body.
    pub(super) signature: &'static str,
    /// What stands before the signature.
    pub(super) prefix: &'static str,
    pub(super) clock: Clock,
    pub(super) shape: Shape,
    /// What the provider's payloads have, with `{{id}}`, `{{seconds}}` and `{{ms}}` in it.
    pub(super) fields: &'static str,
    sign: fn(&mut Draft) -> Headers,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Keys {
    Shared,
    Ed25519,
    P256,
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

/// A delivery before it is signed.
#[derive(Clone)]
pub(super) struct Draft {
    pub(super) secret: &'static str,
    pub(super) id: String,
    /// As the provider writes it.
    pub(super) time: String,
    pub(super) url: String,
    pub(super) body: String,
}

impl Draft {
    fn key(&self) -> &[u8] {
        self.secret.as_bytes()
    }
}

fn sha256(key: &[u8], parts: &[&str]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    parts.iter().for_each(|part| mac.update(part.as_bytes()));
    mac.finalize().into_bytes().to_vec()
}

fn sha1(key: &[u8], parts: &[&str]) -> Vec<u8> {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).unwrap();
    parts.iter().for_each(|part| mac.update(part.as_bytes()));
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    const_hex::encode(bytes)
}

fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

fn standard(draft: &Draft, [id, time, signature]: [&'static str; 3]) -> Headers {
    let key = STANDARD.decode(&draft.secret["whsec_".len()..]).unwrap();
    let mac = sha256(&key, &[&draft.id, ".", &draft.time, ".", &draft.body]);
    vec![
        (id, draft.id.clone()),
        (time, draft.time.clone()),
        (signature, format!("v1,{}", base64(&mac))),
    ]
}

fn svix(draft: &mut Draft) -> Headers {
    standard(draft, ["svix-id", "svix-timestamp", "svix-signature"])
}

/// The sorted fields of a form.
fn sorted(body: &str) -> String {
    let mut pairs: Vec<_> = form_urlencoded::parse(body.as_bytes()).collect();
    pairs.sort();
    pairs.dedup();
    pairs
        .iter()
        .map(|(key, value)| format!("{key}{value}"))
        .collect()
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
    keys: Keys::Shared,
    signature: "",
    prefix: "",
    clock: Clock::None,
    shape: Shape::Object,
    fields: r#""id":"{{id}}","type":"thing.changed""#,
    sign: |_| Vec::new(),
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
    sign: svix,
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
        sign: |draft| {
            let mac = sha256(draft.key(), &[&draft.time, ".", &draft.body]);
            vec![(
                "stripe-signature",
                format!("t={},v1={}", draft.time, hex(&mac)),
            )]
        },
        ..TEXT
    },
    Provider {
        scheme: "standard_webhooks.v1",
        signature: "webhook-signature",
        clock: Clock::Seconds("webhook-timestamp"),
        sign: |draft| {
            standard(
                draft,
                ["webhook-id", "webhook-timestamp", "webhook-signature"],
            )
        },
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
        sign: |draft| {
            let mac = sha256(draft.key(), &[&draft.body]);
            vec![
                ("x-github-delivery", draft.id.clone()),
                ("x-github-event", "push".into()),
                ("x-hub-signature-256", format!("sha256={}", hex(&mac))),
            ]
        },
        ..TEXT
    },
    Provider {
        scheme: "slack.v0",
        signature: "x-slack-signature",
        prefix: "v0=",
        clock: Clock::Seconds("x-slack-request-timestamp"),
        fields: r#""event_id":"{{id}}","type":"event_callback""#,
        sign: |draft| {
            let mac = sha256(draft.key(), &["v0:", &draft.time, ":", &draft.body]);
            vec![
                ("x-slack-request-timestamp", draft.time.clone()),
                ("x-slack-signature", format!("v0={}", hex(&mac))),
            ]
        },
        ..TEXT
    },
    Provider {
        scheme: "shopify.hmac",
        signature: "x-shopify-hmac-sha256",
        sign: |draft| {
            let mac = sha256(draft.key(), &[&draft.body]);
            vec![
                ("x-shopify-topic", "orders/create".into()),
                ("x-shopify-shop-domain", "shop.example.com".into()),
                ("x-shopify-api-version", "2026-07".into()),
                ("x-shopify-webhook-id", draft.id.clone()),
                ("x-shopify-hmac-sha256", base64(&mac)),
            ]
        },
        ..TEXT
    },
    Provider {
        scheme: "shopify.events",
        signature: "shopify-hmac-sha256",
        sign: |draft| {
            let mac = sha256(draft.key(), &[&draft.body]);
            vec![
                ("shopify-topic", "product".into()),
                ("shopify-shop-domain", "shop.example.com".into()),
                ("shopify-api-version", "2026-07".into()),
                ("shopify-webhook-id", draft.id.clone()),
                ("shopify-event-id", draft.id.clone()),
                ("shopify-hmac-sha256", base64(&mac)),
            ]
        },
        ..TEXT
    },
    Provider {
        scheme: "linear.hmac",
        signature: "linear-signature",
        clock: Clock::Payload,
        fields: r#""webhookTimestamp":{{ms}},"type":"Issue","action":"update""#,
        sign: |draft| {
            let mac = sha256(draft.key(), &[&draft.body]);
            vec![
                ("linear-delivery", draft.id.clone()),
                ("linear-event", "Issue".into()),
                ("linear-signature", hex(&mac)),
            ]
        },
        ..TEXT
    },
    Provider {
        scheme: "twilio.form",
        signature: "x-twilio-signature",
        shape: Shape::Form,
        fields: "MessageSid={{id}}&From=%2B15550100&Empty=&Media=b&Media=a&Media=b",
        sign: |draft| {
            let mac = sha1(draft.key(), &[&draft.url, &sorted(&draft.body)]);
            vec![
                ("i-twilio-idempotency-token", draft.id.clone()),
                ("x-twilio-signature", base64(&mac)),
            ]
        },
        ..TEXT
    },
    Provider {
        scheme: "twilio.shared_key",
        signature: "x-twilio-signature",
        shape: Shape::Form,
        fields: "MessageSid={{id}}&From=%2B15550100&Empty=&Media=b&Media=a&Media=b",
        sign: |draft| {
            let mac = sha256(draft.key(), &[&draft.url, &sorted(&draft.body)]);
            vec![
                ("i-twilio-idempotency-token", draft.id.clone()),
                (
                    "x-twilio-webhooks-signature-settings",
                    "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256".into(),
                ),
                ("x-twilio-signature", base64(&mac)),
            ]
        },
        ..TEXT
    },
    Provider {
        scheme: "twilio.body_sha256",
        signature: "x-twilio-signature",
        sign: |draft| {
            let hash = hex(&Sha256::digest(&draft.body));
            draft.url = format!("{}?bodySHA256={hash}", draft.url);
            let mac = sha1(draft.key(), &[&draft.url]);
            vec![
                ("i-twilio-idempotency-token", draft.id.clone()),
                ("x-twilio-signature", base64(&mac)),
            ]
        },
        ..TEXT
    },
    Provider {
        scheme: "discord.ed25519",
        secret: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        other: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        keys: Keys::Ed25519,
        signature: "x-signature-ed25519",
        clock: Clock::Seconds("x-signature-timestamp"),
        fields: r#""id":"{{id}}","type":2"#,
        sign: |draft| {
            let message = format!("{}{}", draft.time, draft.body);
            let signature = ed25519(draft.secret).sign(message.as_bytes());
            vec![
                ("x-signature-timestamp", draft.time.clone()),
                ("x-signature-ed25519", hex(&signature.to_bytes())),
            ]
        },
        ..TEXT
    },
    Provider {
        scheme: "sendgrid.ecdsa_p256",
        secret: "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
        other: "1ccbe91c075fc7f4f033bfa248db8fccd3565de94bbfb12f3c59ff46c271bf83",
        keys: Keys::P256,
        signature: "x-twilio-email-event-webhook-signature",
        clock: Clock::Seconds("x-twilio-email-event-webhook-timestamp"),
        shape: Shape::Array,
        fields: r#""sg_event_id":"{{id}}","event":"open""#,
        sign: |draft| {
            let message = format!("{}{}", draft.time, draft.body);
            let signature: p256::ecdsa::DerSignature = p256(draft.secret).sign(message.as_bytes());
            vec![
                ("x-twilio-email-event-webhook-timestamp", draft.time.clone()),
                (
                    "x-twilio-email-event-webhook-signature",
                    base64(signature.as_bytes()),
                ),
            ]
        },
        ..TEXT
    },
    Provider {
        scheme: "square.hmacsha256",
        signature: "x-square-hmacsha256-signature",
        fields: r#""event_id":"{{id}}","type":"payment.updated""#,
        sign: |draft| {
            let mac = sha256(draft.key(), &[&draft.url, &draft.body]);
            vec![("x-square-hmacsha256-signature", base64(&mac))]
        },
        ..TEXT
    },
    Provider {
        scheme: "paddle.h1",
        secret: "pdl_ntfset_01hkpfm6pxh5wpmmfhwj6r4n9s_QYbd7Xv7",
        signature: "paddle-signature",
        prefix: "h1=",
        clock: Clock::Inside,
        fields: r#""notification_id":"{{id}}","event_type":"transaction.paid""#,
        sign: |draft| {
            let mac = sha256(draft.key(), &[&draft.time, ":", &draft.body]);
            vec![(
                "paddle-signature",
                format!("ts={};h1={}", draft.time, hex(&mac)),
            )]
        },
        ..TEXT
    },
    Provider {
        scheme: "workos.v1",
        signature: "workos-signature",
        prefix: "v1=",
        clock: Clock::InsideMillis,
        fields: r#""id":"{{id}}","event":"user.created""#,
        sign: |draft| {
            let mac = sha256(draft.key(), &[&draft.time, ".", &draft.body]);
            vec![(
                "workos-signature",
                format!("t={}, v1={}", draft.time, hex(&mac)),
            )]
        },
        ..TEXT
    },
    Provider {
        scheme: "notion.sha256",
        secret: "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl",
        signature: "x-notion-signature",
        prefix: "sha256=",
        sign: |draft| {
            let mac = sha256(draft.key(), &[&draft.body]);
            vec![("x-notion-signature", format!("sha256={}", hex(&mac)))]
        },
        ..TEXT
    },
    Provider {
        scheme: "hubspot.v3",
        signature: "x-hubspot-signature-v3",
        clock: Clock::Millis("x-hubspot-request-timestamp"),
        shape: Shape::Array,
        fields: r#""eventId":"{{id}}","subscriptionType":"contact.creation""#,
        sign: |draft| {
            let content = ["POST", &draft.url, &draft.body, &draft.time];
            let mac = sha256(draft.key(), &content);
            vec![
                ("x-hubspot-request-timestamp", draft.time.clone()),
                ("x-hubspot-signature-v3", base64(&mac)),
            ]
        },
        ..TEXT
    },
    Provider {
        scheme: "hubspot.v1_legacy",
        signature: "x-hubspot-signature",
        shape: Shape::Array,
        fields: r#""eventId":"{{id}}","subscriptionType":"contact.creation""#,
        sign: |draft| {
            let hash = Sha256::digest(format!("{}{}", draft.secret, draft.body));
            vec![("x-hubspot-signature", hex(&hash))]
        },
        ..TEXT
    },
    Provider {
        scheme: "hubspot.v2_legacy",
        signature: "x-hubspot-signature",
        fields: r#""objectId":"{{id}}""#,
        sign: |draft| {
            let content = format!("{}POST{}{}", draft.secret, draft.url, draft.body);
            vec![("x-hubspot-signature", hex(&Sha256::digest(content)))]
        },
        ..TEXT
    },
    Provider {
        scheme: "adyen.platform_raw",
        signature: "hmacsignature",
        sign: |draft| {
            let key = const_hex::decode(draft.secret).unwrap();
            vec![("hmacsignature", base64(&sha256(&key, &[&draft.body])))]
        },
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
        sign: |draft| {
            let key = const_hex::decode(draft.secret).unwrap();
            let rest = "::Test:untouched:1130:EUR:AUTHORISATION:true";
            let mac = sha256(&key, &[&draft.id, rest]);
            draft.body = draft.body.replace("{{signature}}", &base64(&mac));
            Vec::new()
        },
        ..ADYEN
    },
];

pub(super) fn find(scheme: &str) -> &'static Provider {
    let provider = PROVIDERS.iter().find(|provider| provider.scheme == scheme);
    provider.unwrap_or_else(|| panic!("no provider {scheme}"))
}

impl Provider {
    /// What the receiver is given.
    pub(super) fn verifying(&self) -> String {
        self.verifying_of(self.secret)
    }

    pub(super) fn verifying_of(&self, secret: &str) -> String {
        match self.keys {
            Keys::Shared => secret.into(),
            Keys::Ed25519 => hex(ed25519(secret).verifying_key().as_bytes()),
            Keys::P256 => {
                let key = *p256(secret).verifying_key();
                base64(key.to_public_key_der().unwrap().as_bytes())
            }
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

    pub(super) fn draft(&self, payload: &str, id: &str, seconds: i64) -> Draft {
        Draft {
            secret: self.secret,
            id: id.into(),
            time: self.time(seconds),
            url: public_url(self.scheme),
            body: payload
                .replace("{{id}}", id)
                .replace("{{ms}}", &format!("{seconds}000")),
        }
    }

    pub(super) fn sign(&self, draft: &mut Draft) -> Headers {
        (self.sign)(draft)
    }
}

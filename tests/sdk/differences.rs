//! Where an SDK and we do not judge alike, and why.

use crate::cases::Case;

pub(super) struct Difference {
    /// Its name with its registry.
    pub(super) sdks: &'static [&'static str],
    pub(super) cases: &'static [&'static str],
    pub(super) they_accept: bool,
    pub(super) why: &'static str,
}

impl Difference {
    pub(super) fn is(&self, sdk: &str, case: &Case) -> bool {
        self.sdks.contains(&sdk) && self.cases.contains(&case.name.as_str())
    }
}

pub(super) const DIFFERENCES: &[Difference] = &[
    Difference {
        sdks: &[
            "@linear/sdk (npm)",
            "@octokit/webhooks-methods (npm)",
            "@paddle/paddle-node-sdk (npm)",
            "@slack/bolt (npm)",
            "@workos-inc/node (npm)",
            "hubspot-api-client (PyPI)",
            "paddle-python-sdk (PyPI)",
            "slack_sdk (PyPI)",
            "stripe (PyPI)",
            "stripe (npm)",
            "workos (PyPI)",
        ],
        cases: &["signature: upper case"],
        they_accept: false,
        why: "they compare digits, we bytes: the same signature, and the same key of the delivery",
    },
    Difference {
        sdks: &[
            "@paddle/paddle-node-sdk (npm)",
            "@slack/bolt (npm)",
            "@workos-inc/node (npm)",
            "hubspot-api-client (PyPI)",
            "stripe (PyPI)",
            "stripe (npm)",
        ],
        cases: &["time: ahead by an hour"],
        they_accept: true,
        why: "they ask how old a delivery is, and not how young",
    },
    Difference {
        sdks: &[
            "@sendgrid/eventwebhook (npm)",
            "discord-interactions (PyPI)",
            "discord-interactions (npm)",
            "sendgrid (PyPI)",
        ],
        cases: &[
            "time: just outside",
            "time: a day old",
            "time: ahead by an hour",
        ],
        they_accept: true,
        why: "they leave the time to the receiver; ours has a window of 300 s",
    },
    Difference {
        sdks: &["hubspot-api-client (PyPI)"],
        cases: &["time: at the edge"],
        they_accept: false,
        why: "its 300 s are less than 300 s",
    },
    Difference {
        sdks: &[
            "@paddle/paddle-node-sdk (npm)",
            "paddle-python-sdk (PyPI)",
            "resend (npm)",
            "standardwebhooks (PyPI)",
            "standardwebhooks (npm)",
            "stripe (PyPI)",
            "stripe (npm)",
            "svix (PyPI)",
            "svix (npm)",
        ],
        cases: &["time: with a zero before it", "time: with a plus before it"],
        they_accept: true,
        why: "they sign the number that they read, we the text that came, as its provider writes it",
    },
    Difference {
        sdks: &[
            "@paddle/paddle-node-sdk (npm)",
            "resend (npm)",
            "standardwebhooks (PyPI)",
            "standardwebhooks (npm)",
            "stripe (npm)",
            "svix (PyPI)",
            "svix (npm)",
        ],
        cases: &["time: with a fraction"],
        they_accept: true,
        why: "the same",
    },
    Difference {
        sdks: &[
            "@paddle/paddle-node-sdk (npm)",
            "paddle-python-sdk (PyPI)",
            "stripe (PyPI)",
            "stripe (npm)",
        ],
        cases: &["time: with a space after it"],
        they_accept: true,
        why: "the same",
    },
    Difference {
        sdks: &[
            "paddle-python-sdk (PyPI)",
            "resend (npm)",
            "standardwebhooks (PyPI)",
            "standardwebhooks (npm)",
            "stripe (PyPI)",
            "stripe (npm)",
            "svix (PyPI)",
            "svix (npm)",
        ],
        cases: &["signature: junk before", "signature: junk after"],
        they_accept: true,
        why: "they skip what cannot be a signature, we refuse a header that no provider writes",
    },
    Difference {
        sdks: &[
            "@paddle/paddle-node-sdk (npm)",
            "@workos-inc/node (npm)",
            "resend (npm)",
            "standardwebhooks (npm)",
            "stripe (PyPI)",
            "stripe (npm)",
            "svix (npm)",
        ],
        cases: &["signature: the header twice"],
        they_accept: true,
        why: "frameworks join headers that come twice, and joined they are a list; we refuse them",
    },
    Difference {
        sdks: &["standardwebhooks (PyPI)", "svix (PyPI)"],
        cases: &[
            "signature: a digit more",
            "signature: twice in a row",
            "signature: more padding",
            "signature: junk after the padding",
        ],
        they_accept: true,
        why: "Python's base64 stops reading at the padding",
    },
    Difference {
        sdks: &["@paddle/paddle-node-sdk (npm)"],
        cases: &["signature: a wrong one after"],
        they_accept: false,
        why: "it reads the last signature alone, which breaks a rotation",
    },
    Difference {
        sdks: &["@paddle/paddle-node-sdk (npm)"],
        cases: &["signature: junk before"],
        they_accept: true,
        why: "the same",
    },
    Difference {
        sdks: &["paddle-python-sdk (PyPI)"],
        cases: &["signature: another version beside"],
        they_accept: false,
        why: "a version that it does not know is an error to it",
    },
    Difference {
        sdks: &["@workos-inc/node (npm)", "workos (PyPI)"],
        cases: &[
            "signature: of another version",
            "signature: prefix in upper case",
        ],
        they_accept: true,
        why: "they do not read the version",
    },
    Difference {
        sdks: &["@workos-inc/node (npm)", "workos (PyPI)"],
        cases: &["signature: a wrong one before"],
        they_accept: false,
        why: "they read one signature",
    },
    Difference {
        sdks: &["@workos-inc/node (npm)"],
        cases: &["signature: junk after"],
        they_accept: true,
        why: "it reads the first signature alone",
    },
    Difference {
        sdks: &["workos (PyPI)"],
        cases: &[
            "signature: a wrong one after",
            "signature: another version beside",
        ],
        they_accept: false,
        why: "it wants a time and one signature, and nothing else",
    },
    Difference {
        sdks: &["@workos-inc/node (npm)"],
        cases: &["as signed: spaced", "as signed: escaped"],
        they_accept: false,
        why: "it signs the payload as it writes it, not as it came",
    },
    Difference {
        sdks: &["@workos-inc/node (npm)"],
        cases: &["body: a line feed more"],
        they_accept: true,
        why: "the same",
    },
];

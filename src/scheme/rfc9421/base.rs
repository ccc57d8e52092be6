use std::fmt::Write as _;

use super::super::AuthError;
use super::super::keys::Algorithm;
use super::input::Component;
use super::target::Target;

/// The text that is signed (RFC 9421, section 2.5).
pub(super) fn base(
    target: &Target<'_>,
    components: &[Component],
    params: &str,
) -> Result<String, AuthError> {
    let mut text = String::new();
    for component in components {
        let value = target.value(component)?;
        // Writing to a `String` cannot fail.
        let _ = match component {
            Component::QueryParam(name) => {
                let name = name.replace('\\', "\\\\").replace('"', "\\\"");
                writeln!(text, "\"@query-param\";name=\"{name}\": {value}")
            }
            component => writeln!(text, "\"{}\": {value}", component.name()),
        };
    }
    text.push_str("\"@signature-params\": ");
    text.push_str(params);
    Ok(text)
}

impl Component {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Method => "@method",
            Self::TargetUri => "@target-uri",
            Self::Authority => "@authority",
            Self::Scheme => "@scheme",
            Self::RequestTarget => "@request-target",
            Self::Path => "@path",
            Self::Query => "@query",
            Self::QueryParam(_) => "@query-param",
            Self::Field(name) => name.as_str(),
        }
    }
}

/// The name of an algorithm (RFC 9421, section 6.2.2).
pub(super) fn algorithm_name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        #[cfg(feature = "x509")]
        Algorithm::RsaSha1 => "", // not one of the registry's, so no sender can name it
        #[cfg(feature = "x509")]
        Algorithm::RsaSha256 => "rsa-v1_5-sha256",
        Algorithm::P256Sha256 => "ecdsa-p256-sha256",
        Algorithm::Ed25519 => "ed25519",
        Algorithm::HmacSha256 => "hmac-sha256",
    }
}

//! What schemes with X.509 certificates share: rules for URLs and signatures.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{AuthError, AuthErrorKind};

/// Longest URL of a certificate, in bytes.
const MAX_URL: usize = 512;

/// Most base64 of a signature, in bytes: 8192 bits.
const MAX_SIGNATURE: usize = 1368;

/// Host and path of a plain `https` URL without user, port, query or fragment.
pub(super) fn split_url(url: &str) -> Result<(&str, &str), AuthError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/".contains(&byte);
    url.strip_prefix("https://")
        .filter(|rest| url.len() <= MAX_URL && rest.bytes().all(plain))
        .and_then(|rest| rest.find('/').map(|slash| rest.split_at(slash)))
        .filter(|(_, path)| !path.contains("//") && !path.contains("/."))
        .ok_or_else(|| AuthErrorKind::UntrustedKeyUrl.into())
}

/// The bytes of a signature in padded base64.
pub(super) fn signature(text: &str, malformed: AuthErrorKind) -> Result<Vec<u8>, AuthError> {
    if text.len() > MAX_SIGNATURE {
        return Err(malformed.into());
    }
    STANDARD.decode(text).map_err(|_| malformed.into())
}

#[cfg(test)]
mod tests {
    use super::super::head::seconds;
    use super::super::recipe::Unit;
    use super::{AuthErrorKind, MAX_SIGNATURE, signature, split_url};

    #[test]
    fn times_have_one_form() {
        assert_eq!(
            seconds("2026-11-21T10:00:00Z", Unit::Rfc3339).unwrap(),
            1_795_255_200
        );
        assert_eq!(
            seconds("2026-11-21T10:00:00.123Z", Unit::Rfc3339).unwrap(),
            1_795_255_200
        );
        assert_eq!(
            seconds("2024-02-29T00:00:00Z", Unit::Rfc3339).unwrap(),
            1_709_164_800
        );
        for text in [
            "",
            "Z",
            "2026-11-21",
            "2026-11-21T10:00:00",
            "2026-11-21T10:00:00+00:00",
            "2026-11-21t10:00:00z",
            "2026-11-21 10:00:00Z",
            "2026-11-21T10:00:00.Z",
            "2026-11-21T10:00:00.1a3Z",
            "2026-11-21T10:00:00,123Z",
            "2026-11-21T10:00:00ZaaaaZ",
            "2026-11-21T10:00:00Z:00Z",
            "2026-11-21T10:00:00.1+aaaaZ",
            "2026-13-21T10:00:00Z",
            "2026-02-30T10:00:00Z",
            "2026-11-21T24:00:00Z",
            "1969-12-31T23:59:59Z",
            "-026-11-21T10:00:00Z",
            "+026-11-21T10:00:00Z",
            "20266-11-21T10:00:00Z",
            " 2026-11-21T10:00:00Z",
            "1795255200",
            "٢٠٢٦-11-21T10:00:00Z",
        ] {
            assert!(seconds(text, Unit::Rfc3339).is_err(), "{text}");
        }
    }

    #[test]
    fn urls_of_certificates_are_plain() {
        assert_eq!(
            split_url("https://sns.us-east-1.amazonaws.com/a.pem").unwrap(),
            ("sns.us-east-1.amazonaws.com", "/a.pem")
        );
        let long = format!("https://a.example/{}", "a".repeat(512));
        for url in [
            "",
            "https://",
            "https://a.example",
            "http://a.example/a.pem",
            "HTTPS://a.example/a.pem",
            "https://a.example:443/a.pem",
            "https://user@a.example/a.pem",
            "https://a.example/a.pem?b",
            "https://a.example/a#.pem",
            "https://a.example\\@b.example/a.pem",
            "https://a.example/../a.pem",
            "https://a.example//a.pem",
            "https://a.example/%2e/a.pem",
            " https://a.example/a.pem",
            "https://a.example/a.pem\n",
            &long,
        ] {
            assert!(split_url(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_signature_has_8192_bits_at_most() {
        let of = |length| signature(&"A".repeat(length), AuthErrorKind::MalformedHeader);
        assert_eq!(of(MAX_SIGNATURE).unwrap().len(), 1026);
        assert!(of(MAX_SIGNATURE + 4).is_err());
        assert!(of(MAX_SIGNATURE + 8).is_err());
        assert!(of(MAX_SIGNATURE - 1).is_err());
    }
}

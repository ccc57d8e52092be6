use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// A private key: its 32 bytes, or 64 whose second half is the public key. In hex digits or in base64,
/// with or without the `whsk_` of Standard Webhooks.
pub(crate) fn private(text: &str) -> Option<([u8; 32], Option<[u8; 32]>)> {
    let text = text.strip_prefix("whsk_").unwrap_or(text);
    let bytes = const_hex::decode(text).or_else(|_| STANDARD.decode(text));
    let bytes = Zeroizing::new(bytes.ok()?);
    let (seed, public) = bytes.split_first_chunk()?;
    match public {
        [] => Some((*seed, None)),
        public => Some((*seed, Some(public.try_into().ok()?))),
    }
}

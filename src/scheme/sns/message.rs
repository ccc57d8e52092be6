use std::borrow::Cow;

use serde::Deserialize;

/// The fields of an SNS message that verification needs. A field that comes twice is refused by
/// serde: which of the two was signed?
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Message<'a> {
    #[serde(borrow, rename = "Type")]
    pub(super) event_type: Cow<'a, str>,
    #[serde(borrow, rename = "MessageId")]
    pub(super) id: Cow<'a, str>,
    #[serde(borrow, rename = "TopicArn")]
    pub(super) topic: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) timestamp: Cow<'a, str>,
    #[serde(borrow, rename = "SignatureVersion")]
    pub(super) version: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) signature: Cow<'a, str>,
    #[serde(borrow, rename = "SigningCertURL")]
    pub(super) certificate: Cow<'a, str>,
    #[serde(borrow)]
    message: Cow<'a, str>,
    #[serde(borrow)]
    subject: Option<Cow<'a, str>>,
    #[serde(borrow)]
    token: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "SubscribeURL")]
    subscribe_url: Option<Cow<'a, str>>,
}

impl<'a> Message<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Option<Self> {
        // serde would read the fields from an array as well, and looks for UTF-8 only in what is
        // not skipped.
        let text = std::str::from_utf8(body).ok()?;
        let is_object = text.trim_ascii_start().starts_with('{');
        is_object.then(|| serde_json::from_str(text).ok())?
    }

    /// The text that is signed: names and values of fields, a line each.
    ///
    /// Only `Message` may hold line breaks. In another field they could pass for fields, so that
    /// two messages would share one signature.
    pub(super) fn content(&self) -> Option<String> {
        let fields = match &*self.event_type {
            "Notification" => [
                ("MessageId", Some(&self.id)),
                ("Subject", self.subject.as_ref()),
                ("Timestamp", Some(&self.timestamp)),
                ("TopicArn", Some(&self.topic)),
                ("Type", Some(&self.event_type)),
            ]
            .to_vec(),
            "SubscriptionConfirmation" | "UnsubscribeConfirmation" => [
                ("MessageId", Some(&self.id)),
                ("SubscribeURL", Some(self.subscribe_url.as_ref()?)),
                ("Timestamp", Some(&self.timestamp)),
                ("Token", Some(self.token.as_ref()?)),
                ("TopicArn", Some(&self.topic)),
                ("Type", Some(&self.event_type)),
            ]
            .to_vec(),
            _ => return None,
        };
        let mut text = format!("Message\n{}\n", self.message);
        for (name, value) in fields {
            let Some(value) = value else { continue };
            if value.contains('\n') {
                return None;
            }
            text.push_str(name);
            text.push('\n');
            text.push_str(value);
            text.push('\n');
        }
        Some(text)
    }
}

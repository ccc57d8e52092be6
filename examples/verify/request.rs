use std::fs;

use http::header::{HOST, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Request};
use tower_webhook::BoxError;
use tower_webhook::scheme::catalog::{self, Entry, SecretText};
use tower_webhook::time::{Clock as _, SystemClock};

use crate::args::Args;
use crate::judge::{Verdict, Window, judge};
use crate::scheme::{Setup, build};

/// A request as it came, and what it is judged by.
#[derive(Clone, Debug)]
pub(crate) struct Capture {
    pub(crate) entry: &'static Entry,
    /// Names and texts.
    pub(crate) secrets: Vec<(String, String)>,
    /// In place of the texts, where one tries other readings of them.
    pub(crate) keys: Option<Vec<SecretText>>,
    pub(crate) method: Method,
    pub(crate) url: Option<String>,
    pub(crate) uri: String,
    pub(crate) headers: Vec<Header>,
    pub(crate) body: Vec<u8>,
    pub(crate) config: serde_json::Value,
    pub(crate) now: i64,
    pub(crate) tolerance: u64,
}

impl Capture {
    pub(crate) fn read(args: &Args) -> Result<Self, BoxError> {
        let entry = catalog::all().find(|entry| entry.id == args.scheme);
        let entry = entry.ok_or(format!("no scheme `{}`; see `--schemes`", args.scheme))?;
        let mut secrets = Vec::new();
        for name in &args.secrets {
            let text = std::env::var(name).map_err(|err| format!("`{name}`: {err}"))?;
            secrets.push((name.clone(), text));
        }
        let read = |path| fs::read(path).map_err(|err| format!("{path:?}: {err}"));
        let text = String::from_utf8(read(&args.headers)?)?;
        let (line, headers) = headers(&text)?;
        let (method, uri) = line.unwrap_or(("POST".into(), "/".into()));
        Ok(Self {
            entry,
            secrets,
            keys: None,
            method: args.method.clone().unwrap_or(method).parse()?,
            uri: args.url.clone().unwrap_or(uri),
            url: args.url.clone(),
            headers,
            body: read(&args.body)?,
            config: serde_json::from_str(args.config.as_deref().unwrap_or("null"))?,
            now: args.at.unwrap_or_else(|| SystemClock.unix_seconds()),
            tolerance: args.tolerance.or(entry.tolerance).unwrap_or(300),
        })
    }

    fn setup(&self) -> Setup {
        let texts = self.secrets.iter().map(|(_, text)| text.as_str().into());
        Setup {
            secrets: self.keys.clone().unwrap_or_else(|| texts.collect()),
            url: self.url.clone(),
            config: self.config.clone(),
            now: self.now,
        }
    }

    /// # Errors
    ///
    /// Returns an error where the scheme cannot be made: no secret, no URL.
    pub(crate) fn judge(&self) -> Result<Verdict, BoxError> {
        use tower_webhook::scheme::Scheme as _;
        let scheme = build(self.entry, &self.setup())?;
        let window = Window {
            now: self.now,
            past: self.tolerance,
            future: scheme.profile().future_skew().as_secs(),
        };
        Ok(judge(&scheme, &self.head()?, &self.body, Some(window)))
    }

    /// Whether the signature matches, whenever it was made.
    pub(crate) fn matches(&self) -> bool {
        let Ok(verdict) = self.judge() else {
            return false;
        };
        !matches!(verdict, Verdict::Refused(word, _) if word != "stale" && word != "future")
    }

    fn head(&self) -> Result<Parts, BoxError> {
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(&self.uri);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let (head, ()) = request.body(())?.into_parts();
        Ok(head)
    }

    pub(crate) fn host(&self) -> Option<&str> {
        let host = self.headers.iter().find(|(name, _)| *name == HOST);
        host.and_then(|(_, value)| value.to_str().ok())
    }

    pub(crate) fn secret_name(&self, slot: usize) -> String {
        let name = self.secrets.get(slot);
        let name = name.map_or("nothing", |(name, _)| name.as_str());
        match self.secrets.len() {
            0 | 1 => name.into(),
            count => format!("{name}, secret {} of {count}", slot + 1),
        }
    }
}

/// Method and path.
type Line = (String, String);
type Header = (HeaderName, HeaderValue);

/// The request line, where there is one, and the headers.
fn headers(text: &str) -> Result<(Option<Line>, Vec<Header>), BoxError> {
    let mut line = None;
    let mut headers = Vec::new();
    for text in text.lines() {
        // As `curl -v` prints them.
        let text = text.strip_prefix("> ").unwrap_or(text).trim();
        if text.is_empty() {
            continue;
        }
        let words: Vec<_> = text.split(' ').collect();
        if let [method, path, version] = words[..]
            && version.starts_with("HTTP/")
        {
            line = Some((method.to_owned(), path.to_owned()));
            continue;
        }
        let (name, value) = text
            .split_once(':')
            .ok_or(format!("`{text}` is no header"))?;
        let value = HeaderValue::from_bytes(value.trim().as_bytes())?;
        headers.push((name.trim().parse()?, value));
    }
    Ok((line, headers))
}

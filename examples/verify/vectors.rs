//! Judges the vectors of a file.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{HeaderName, HeaderValue};
use http::{Request, request::Parts};
use serde_json::{Value, json};
use tower_webhook::BoxError;
use tower_webhook::scheme::catalog::{self, SecretText};

use crate::judge::{Verdict, Window, config_word, judge};
use crate::scheme::{Setup, build};

/// Prints a line a vector and a summary. Says whether all passed.
pub(crate) fn run(path: &Path, as_json: bool) -> Result<bool, BoxError> {
    let text = fs::read(path).map_err(|err| format!("{path:?}: {err}"))?;
    let file: Value = serde_json::from_slice(&text)?;
    let vectors = file["vectors"]
        .as_array()
        .ok_or("the file has no `vectors`")?;
    let (mut passed, mut failed) = (0, 0);
    for vector in vectors {
        let id = vector["id"].as_str().unwrap_or_default();
        let word = verdict(vector)?;
        let is_right = expected(vector).any(|expected| expected == word);
        *(if is_right { &mut passed } else { &mut failed }) += 1;
        if as_json {
            let line = json!({ "id": id, "verdict": word, "expect": vector["expect"], "passed": is_right });
            println!("{line}");
        } else {
            println!("{id}\t{word}");
        }
        if !is_right {
            eprintln!("{id}: {word}, where {} is expected", vector["expect"]);
        }
    }
    if as_json {
        println!("{}", json!({ "passed": passed, "failed": failed }));
    } else {
        println!("{passed} passed, {failed} failed");
    }
    Ok(failed == 0)
}

fn expected(vector: &Value) -> impl Iterator<Item = &str> {
    let any = vector["expect_any"].as_array().into_iter().flatten();
    any.chain([&vector["expect"]]).filter_map(Value::as_str)
}

/// The word for a vector.
fn verdict(vector: &Value) -> Result<String, BoxError> {
    let id = vector["scheme"].as_str().unwrap_or_default();
    let entry = catalog::all().find(|entry| entry.id == id);
    let entry = entry.ok_or_else(|| format!("{}: no scheme `{id}`", vector["id"]))?;
    let now = vector["now"].as_i64().unwrap_or_default();
    let secrets = vector["secrets"].as_array().into_iter().flatten();
    let setup = Setup {
        secrets: secrets
            .filter_map(Value::as_str)
            .map(SecretText::new)
            .collect(),
        url: None,
        config: vector["config"].clone(),
        now,
    };
    let scheme = match build(entry, &setup) {
        Ok(scheme) => scheme,
        Err(why) => return Ok(config_word(&why).into()),
    };
    let Some(head) = head(vector) else {
        return Ok("malformed_header".into());
    };
    let window = vector["tolerance_s"].as_u64().map(|tolerance| Window {
        now,
        past: tolerance,
        future: tolerance,
    });
    let verdict = judge(&scheme, &head, &body(vector)?, window);
    // A first request that is refused is refused as such, where the scheme takes no other.
    let takes_none = id.ends_with(".handshake") || id == "cloudevents.webhook";
    Ok(match verdict {
        Verdict::Refused(..) if takes_none => "challenge_rejected".into(),
        verdict => verdict.word().into(),
    })
}

/// The head; `None` where no head can be so.
fn head(vector: &Value) -> Option<Parts> {
    let mut request = Request::builder()
        .method(vector["method"].as_str()?)
        .uri(vector["url"].as_str()?);
    for header in vector["headers"].as_array().into_iter().flatten() {
        let name: HeaderName = header[0].as_str()?.parse().ok()?;
        request = request.header(
            name,
            HeaderValue::from_bytes(header[1].as_str()?.as_bytes()).ok()?,
        );
    }
    Some(request.body(()).ok()?.into_parts().0)
}

fn body(vector: &Value) -> Result<Vec<u8>, BoxError> {
    if let Some(text) = vector["body_utf8"].as_str() {
        return Ok(text.into());
    }
    if let Some(text) = vector["body_base64"].as_str() {
        return Ok(STANDARD.decode(text)?);
    }
    let rule = &vector["body_gen"];
    let text = |key: &str| rule[key].as_str().unwrap_or_default();
    let times = usize::try_from(rule["times"].as_u64().unwrap_or_default())?;
    Ok(
        [text("prefix"), &text("unit").repeat(times), text("suffix")]
            .concat()
            .into(),
    )
}

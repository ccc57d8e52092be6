//! Says whether a captured request is authentic and, where it is not, what would have matched.
//!
//! ```console
//! $ WEBHOOK_SECRET=… cargo run --example verify -- \
//!     --scheme github.sha256 --secret-env WEBHOOK_SECRET --headers headers.txt --body body.json
//! ```
//!
//! `--help` tells the rest. Exits with 0 when the request is accepted, 1 when it is refused, 2 when it
//! cannot be judged.

mod args;
mod hints;
mod json_text;
mod judge;
mod request;
mod scheme;
#[cfg(test)]
mod tests;
mod variations;
mod vectors;

use std::process::ExitCode;

use serde_json::json;
use tower_webhook::BoxError;
use tower_webhook::delivery::DeliveryId;

use self::args::Args;
use self::judge::Verdict;
use self::request::Capture;

fn main() -> ExitCode {
    let args = match Args::parse(std::env::args().skip(1)) {
        Ok(Some(args)) => args,
        Ok(None) => {
            print!("{}", args::HELP);
            return ExitCode::SUCCESS;
        }
        Err(why) => return give_up(&why),
    };
    let passed = match &args.vectors {
        Some(path) => vectors::run(path, args.json),
        None => verify(&args),
    };
    match passed {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => give_up(&why),
    }
}

fn give_up(why: &BoxError) -> ExitCode {
    eprintln!("{why}");
    ExitCode::from(2)
}

/// Judges one request.
fn verify(args: &Args) -> Result<bool, BoxError> {
    let capture = Capture::read(args)?;
    let verdict = capture.judge()?;
    let hints = hints::hints(&capture, &verdict);
    let word = verdict.word();
    let accepted = word == "ok" || word == "challenge";
    if args.json {
        let verdict =
            json!({ "verdict": word, "detail": detail(&capture, &verdict), "hints": hints });
        println!("{verdict}");
    } else {
        let word = if word == "ok" { "accept" } else { word };
        println!("{word}: {}", detail(&capture, &verdict));
        for hint in hints {
            println!("hint: {hint}");
        }
    }
    Ok(accepted)
}

fn detail(capture: &Capture, verdict: &Verdict) -> String {
    match verdict {
        Verdict::Accepted(delivery) => {
            let id = match &delivery.id {
                DeliveryId::Signed(id) => format!("id {id:?}, signed"),
                DeliveryId::Unsigned(id) => format!("id {id:?}, unsigned"),
                _ => "no id outside the payload".into(),
            };
            let kind = delivery.event_type.as_ref();
            let kind = kind.map_or_else(String::new, |name| format!(", event type {name:?}"));
            let time = delivery.timestamp;
            let time = time.map_or_else(String::new, |time| format!(", sent at {time}"));
            let name = capture.secret_name(delivery.secret_slot);
            format!("{id}{kind}{time}, signed with {name}")
        }
        Verdict::Challenge(status) => {
            format!("a question of the provider's, answered with {status}")
        }
        Verdict::Refused(_, why) => why.clone(),
    }
}

//! We sign, and what is done to it gets the same verdict from the SDKs and from us.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use tower::ServiceExt as _;
use tower_webhook::time::{Clock, ManualClock};

use crate::cases::{Case, NOW, cases};
use crate::differences::DIFFERENCES;
use crate::providers::PROVIDERS;
use crate::receiver::receiver;
use crate::tools::{self, NODE, PYTHON};

/// How many SDKs are asked, each in its language.
const SDKS: usize = 26;

/// Our verdicts: whether a delivery is accepted, and the answer.
async fn ours(cases: &[Case]) -> Vec<(bool, String)> {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(NOW));
    let app = receiver(&clock);
    let mut verdicts = Vec::new();
    for case in cases {
        let answer = app.clone().oneshot(case.request()).await.unwrap();
        let status = answer.status();
        assert!(
            !status.is_server_error(),
            "{} {}: {status}",
            case.scheme,
            case.name
        );
        verdicts.push((status.is_success(), status.as_str().to_owned()));
    }
    verdicts
}

#[tokio::test]
async fn an_sdk_and_we_judge_alike() {
    if !tools::ready().await {
        return;
    }
    let cases: Vec<_> = PROVIDERS.iter().flat_map(cases).collect();
    let input = cases.iter().map(Case::json).collect();
    let input = Value::Array(input);
    let (ours, node, python) = tokio::join!(
        ours(&cases),
        NODE.run("verify.mjs", &input),
        PYTHON.run("verify.py", &input)
    );

    let mut counts = BTreeMap::new();
    let mut met = BTreeSet::new();
    let mut failures = Vec::new();
    for line in node.into_iter().chain(python) {
        let [sdk, index, verdict, why] = line.try_into().unwrap();
        let index: usize = index.parse().unwrap();
        let (case, (we_accept, status)) = (&cases[index], &ours[index]);
        let they_accept = verdict == "accept";
        let (same, known) = counts.entry((sdk.clone(), case.scheme)).or_insert((0, 0));
        let row = DIFFERENCES.iter().position(|row| row.is(&sdk, case));
        if row.is_none() && they_accept == *we_accept {
            *same += 1;
        } else if let Some(row) = row
            && DIFFERENCES[row].they_accept == they_accept
            && they_accept != *we_accept
        {
            *known += 1;
            met.insert((row, sdk, case.name.clone()));
        } else {
            let (scheme, name) = (case.scheme, &case.name);
            failures.push(format!(
                "{sdk} {scheme} {name}: {verdict} {why}, we answer {status}"
            ));
        }
    }
    for (case, (we_accept, status)) in cases.iter().zip(&ours) {
        if case.name.starts_with("as signed") && !we_accept {
            failures.push(format!("{} {}: we answer {status}", case.scheme, case.name));
        }
    }
    let (mut same, mut known) = (0, 0);
    for ((sdk, scheme), (alike, apart)) in &counts {
        println!("{sdk}\t{scheme}\t{alike} alike\t{apart} known differences");
        (same, known) = (same + alike, known + apart);
    }
    for (index, row) in DIFFERENCES.iter().enumerate() {
        let hits = met.iter().filter(|(hit, ..)| *hit == index).count();
        println!("{hits}\t{}", row.why);
        if hits != row.sdks.len() * row.cases.len() {
            failures.push(format!(
                "no longer differences, all of them: {:?}",
                row.cases
            ));
        }
    }
    let deliveries = cases.len();
    println!("{deliveries} deliveries, {same} verdicts alike, {known} known differences");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let sdks: BTreeSet<_> = counts.keys().map(|(sdk, _)| sdk).collect();
    assert_eq!(sdks.len(), SDKS, "{sdks:?}");
}

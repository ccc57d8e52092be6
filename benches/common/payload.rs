use bytes::Bytes;

const HEAD: &str = r#"{"ref":"refs/heads/main","after":"6113728f27ae82c7b1a177c8d03f9e96e0adf246","repository":{"id":186853002,"full_name":"octo/hello"},"commits":["#;

/// The payload of a push to GitHub, of exactly `size` bytes, 256 at least.
pub(crate) fn push(size: usize) -> Bytes {
    const FILES: &str = r#"],"files":["#;
    const END: &str = r#"],"filler":""}"#;
    let mut text = HEAD.to_owned();
    list(&mut text, size - FILES.len() - END.len(), commit);
    text.push_str(FILES);
    list(&mut text, size - END.len(), file);
    // Less than a file is long, so that it is as dense as what is really sent.
    let filler = "x".repeat(size - text.len() - END.len());
    text.push_str(&END.replace(r#""}"#, &format!(r#"{filler}"}}"#)));
    assert_eq!(text.len(), size);
    text.into()
}

/// As many items as fit into `end` bytes.
fn list(text: &mut String, end: usize, item: fn(u64) -> String) {
    for number in 0.. {
        let comma = if number > 0 { "," } else { "" };
        let item = item(number);
        if text.len() + comma.len() + item.len() > end {
            break;
        }
        text.push_str(comma);
        text.push_str(&item);
    }
}

fn file(number: u64) -> String {
    format!(r#"{{"name":"src/{number}.rs","additions":{number},"changed":true}}"#)
}

fn commit(number: u64) -> String {
    let id = format!("{:040x}", u128::from(number) * 0x9e37_79b9_7f4a_7c15);
    format!(
        r#"{{"id":"{id}","tree_id":"{id}","distinct":true,"message":"Update the notes of week {number}\n\nSee \"how to\" in README.md.","timestamp":"2026-11-25T10:51:{:02}+01:00","url":"https://api.github.com/repos/octo/hello/commits/{id}","author":{{"name":"Mona Lisa","email":"mona@example.com","username":"mona"}},"added":["notes/{number}.md"],"removed":[],"modified":["README.md","src/lib.rs"]}}"#,
        number % 60
    )
}

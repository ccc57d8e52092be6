use bytes::Bytes;

const HEAD: &str = r#"{"ref":"refs/heads/main","after":"6113728f27ae82c7b1a177c8d03f9e96e0adf246","repository":{"id":186853002,"full_name":"octo/hello"},"commits":["#;

/// The payload of a push to GitHub, of exactly `size` bytes, 256 at least.
pub(crate) fn push(size: usize) -> Bytes {
    let mut text = HEAD.to_owned();
    let filler = |text: &str| size.checked_sub(text.len() + r#"],"filler":""}"#.len());
    for number in 0.. {
        let before = text.len();
        if number > 0 {
            text.push(',');
        }
        text.push_str(&commit(number));
        if filler(&text).is_none() {
            text.truncate(before);
            break;
        }
    }
    let filler = filler(&text).expect("256 bytes at least");
    text.push_str(r#"],"filler":""#);
    text.extend(std::iter::repeat_n('x', filler));
    text.push_str(r#""}"#);
    assert_eq!(text.len(), size);
    text.into()
}

fn commit(number: u64) -> String {
    let id = format!("{:040x}", u128::from(number) * 0x9e37_79b9_7f4a_7c15);
    format!(
        r#"{{"id":"{id}","tree_id":"{id}","distinct":true,"message":"Update the notes of week {number}\n\nSee \"how to\" in README.md.","timestamp":"2026-11-25T10:51:{:02}+01:00","url":"https://api.github.com/repos/octo/hello/commits/{id}","author":{{"name":"Mona Lisa","email":"mona@example.com","username":"mona"}},"added":["notes/{number}.md"],"removed":[],"modified":["README.md","src/lib.rs"]}}"#,
        number % 60
    )
}

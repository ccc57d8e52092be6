//! JSON written otherwise, keys in their order and numbers as they are.

/// Where white space stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Compact,
    /// One space after each comma and colon.
    Spaced,
    /// A line each, indented by so many spaces.
    Pretty(usize),
}

/// The text of a JSON document in another style.
pub(crate) fn restyle(text: &str, style: Style) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut depth = 0_usize;
    let mut chars = text.chars().filter(|char| *char != '\r').peekable();
    let line = |out: &mut String, depth: usize| {
        if let Style::Pretty(width) = style {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', depth * width));
        }
    };
    while let Some(char) = chars.next() {
        match char {
            '"' => {
                out.push('"');
                while let Some(inner) = chars.next() {
                    out.push(inner);
                    match inner {
                        '\\' => out.extend(chars.next()),
                        '"' => break,
                        _ => {}
                    }
                }
            }
            '{' | '[' => {
                out.push(char);
                while chars.next_if(char::is_ascii_whitespace).is_some() {}
                if chars.peek().is_some_and(|next| matches!(next, '}' | ']')) {
                    out.extend(chars.next());
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(char);
            }
            ',' => {
                out.push(',');
                if style == Style::Spaced {
                    out.push(' ');
                }
                line(&mut out, depth);
            }
            ':' => out.push_str(if style == Style::Compact { ":" } else { ": " }),
            _ if char.is_ascii_whitespace() => {}
            _ => out.push(char),
        }
    }
    out
}

/// Whatever is not ASCII as `\u` escapes.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::new();
    for char in text.chars() {
        if char.is_ascii() {
            out.push(char);
        } else {
            for unit in char.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

/// `\u` escapes of what is not ASCII as the characters themselves.
pub(crate) fn unescaped(text: &str) -> String {
    let mut units = Vec::new();
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        let code = rest.strip_prefix("\\u").and_then(|rest| rest.get(..4));
        let code = code.and_then(|code| u16::from_str_radix(code, 16).ok());
        match code.filter(|code| *code > 0x7f) {
            Some(code) => {
                units.push(code);
                rest = &rest[6..];
            }
            None => {
                units.extend_from_slice(char.encode_utf16(&mut [0; 2]));
                rest = &rest[char.len_utf8()..];
            }
        }
    }
    String::from_utf16_lossy(&units)
}

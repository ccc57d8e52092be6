use std::fmt::Write as _;

use serde_json::Value;

use super::Catalogue;
use super::definitions::Definitions;
use super::entry::generator;

impl Catalogue {
    /// The events as Markdown: for each what it means and the fields that it carries, then the types of the fields.
    #[must_use]
    pub fn markdown(&self) -> String {
        let Definitions {
            events,
            definitions,
        } = self.define(generator("/$defs"));
        let mut text = format!("# {}\n", self.title);
        let mut is_told = vec![];
        for (name, entry) in &events {
            let version = entry.version.as_ref();
            let version = version.map_or(String::new(), |version| format!(", version {version}"));
            let _ = write!(text, "\n## `{}`{version}\n", entry.name);
            if !entry.description.is_empty() {
                let _ = write!(text, "\n{}\n", entry.description);
            }
            is_told.push(name.as_str());
            // An event that is a type by itself has the fields of that type.
            let mut schema = &definitions[name];
            while let Some(target) = target(schema)
                && let Some(next) = definitions.get(target)
                && !is_told.contains(&target)
            {
                is_told.push(target);
                schema = next;
            }
            fields(&mut text, schema);
        }
        for (name, schema) in &definitions {
            if !is_told.contains(&name.as_str()) {
                let _ = write!(text, "\n### {name}\n");
                if let Some(Value::String(description)) = schema.get("description") {
                    let _ = write!(text, "\n{description}\n");
                }
                fields(&mut text, schema);
            }
        }
        text
    }
}

/// The table of an object's fields; of anything else what it is.
fn fields(text: &mut String, schema: &Value) {
    let Some(Value::Object(properties)) = schema.get("properties") else {
        let _ = write!(text, "\nIt is: {}.\n", kind(schema));
        return;
    };
    let required = schema.get("required").and_then(Value::as_array);
    text.push_str("\n| field | type | required | what it is |\n|---|---|---|---|\n");
    for (name, field) in properties {
        let is_required = required.is_some_and(|names| names.iter().any(|other| other == name));
        let is_required = if is_required { "yes" } else { "no" };
        let description = field.get("description").and_then(Value::as_str);
        let description = cell(description.unwrap_or_default());
        let (name, kind) = (cell(name), cell(&kind(field)));
        let _ = writeln!(
            text,
            "| `{name}` | {kind} | {is_required} | {description} |"
        );
    }
}

/// What a value is, in words.
fn kind(schema: &Value) -> String {
    if let Some(target) = target(schema) {
        return target.to_owned();
    }
    if let Some(value) = schema.get("const") {
        return format!("`{value}`");
    }
    if let Some(Value::Array(values)) = schema.get("enum") {
        return either(values.iter().map(|value| format!("`{value}`")));
    }
    for choice in ["oneOf", "anyOf"] {
        if let Some(Value::Array(schemas)) = schema.get(choice) {
            return either(schemas.iter().map(kind));
        }
    }
    match schema.get("type") {
        Some(Value::String(name)) => named(name, schema),
        Some(Value::Array(names)) => {
            let names = names.iter().filter_map(Value::as_str);
            either(names.map(|name| named(name, schema)))
        }
        _ => "anything".to_owned(),
    }
}

fn named(name: &str, schema: &Value) -> String {
    match (name, schema.get("items"), schema.get("format")) {
        ("array", Some(items), _) => format!("array of {}", kind(items)),
        ("string", _, Some(Value::String(format))) => format!("string ({format})"),
        _ => name.to_owned(),
    }
}

fn either(kinds: impl Iterator<Item = String>) -> String {
    kinds.collect::<Vec<_>>().join(" or ")
}

/// The definition that a schema refers to.
fn target(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/$defs/")
}

/// A text that stands in one cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}

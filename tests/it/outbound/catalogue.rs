//! The catalogue of events, and what is written from it.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use tower_webhook::outbound::catalogue::{Catalogue, EventType};
use tower_webhook::outbound::endpoint::{EndpointPatch, NewEndpoint};
use tower_webhook::outbound::event::{Event, TEST_EVENT};
use tower_webhook::outbound::{MemoryOutbox, OutboundErrorKind, SealingKey, Sender};

#[derive(Serialize, JsonSchema)]
struct OrderCreated {
    /// The number | of the order.
    order: u64,
    items: Vec<Item>,
    note: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Item {
    /// What it is.
    name: String,
    parts: Vec<Self>,
    kind: Kind,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Goods,
    Service,
}

impl EventType for OrderCreated {
    const NAME: &'static str = "order.created";
    const DESCRIPTION: &'static str = "Somebody ordered something.";
}

mod other {
    use super::*;

    /// Another type of the same name.
    #[derive(Serialize, JsonSchema)]
    pub(super) struct Item {
        pub(super) id: u32,
    }

    #[derive(Serialize, JsonSchema)]
    pub(super) struct Shipped {
        pub(super) item: Item,
    }

    impl EventType for Shipped {
        const NAME: &'static str = "item.shipped";
        const VERSION: Option<&'static str> = Some("2026-11/β");
        const DESCRIPTION: &'static str = "It is on its way.";
        const STANDARD: bool = true;
    }
}

fn order() -> OrderCreated {
    let part = |name: &str, kind, parts| Item {
        name: name.to_owned(),
        parts,
        kind,
    };
    let wheel = part("wheel", Kind::Goods, vec![]);
    OrderCreated {
        order: 7,
        items: vec![part("car", Kind::Service, vec![wheel])],
        note: None,
    }
}

/// A schema by hand, with what it defines in the old place and the new, and itself within.
fn raw() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://example.com/refund",
        "type": "object",
        "required": ["amount"],
        "properties": {
            "amount": { "$ref": "#/$defs/a mount~1" },
            "currency": { "$ref": "#/definitions/currency" },
            "again": { "$ref": "#" },
            "same": { "$ref": "#/properties/amount" },
            "literal": { "const": { "$ref": "#/$defs/nowhere" } },
        },
        "$defs": { "a mount~1": { "type": "integer", "minimum": 1 }, "currency": true },
        "definitions": { "currency": { "enum": ["EUR", "USD"] } },
    })
    .as_object()
    .map(|object| {
        let text = serde_json::to_string(object).unwrap();
        serde_json::from_str(&text.replace("#/$defs/a mount~1", "#/$defs/a%20mount~01")).unwrap()
    })
    .unwrap()
}

fn catalogue() -> Catalogue {
    Catalogue::new()
        .event::<OrderCreated>()
        .event::<other::Shipped>()
        .raw("order.refunded", None, "Money went back.", raw())
}

fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                match value {
                    Value::String(target) if key == "$ref" => found.push(target),
                    value if key != "const" => references(value, found),
                    _ => {}
                }
            }
        }
        Value::Array(all) => all.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

pub(super) fn assert_references_lead_somewhere(document: &Value) {
    let mut found = Vec::new();
    references(document, &mut found);
    assert!(!found.is_empty());
    for target in found {
        let pointer = target.strip_prefix('#').expect("within the document");
        assert!(document.pointer(pointer).is_some(), "{target}");
    }
}

fn is_valid(document: &Value, at: &str, value: &Value) -> bool {
    let mut schema = json!({ "$ref": at });
    for part in ["$defs", "components"] {
        if let Some(part_of_it) = document.get(part) {
            schema[part] = part_of_it.clone();
        }
    }
    let options = jsonschema::options().should_validate_formats(true);
    options.build(&schema).unwrap().is_valid(value)
}

#[test]
fn typed_events_are_sent_as_their_types_say() {
    let event = Event::of(&order()).unwrap();
    assert_eq!(event.event_type(), "order.created");
    let body: Value = serde_json::from_slice(event.body()).unwrap();
    assert_eq!(body["items"][0]["parts"][0]["name"], "wheel");
    let shipped = other::Shipped {
        item: other::Item { id: 3 },
    };
    let body: Value = serde_json::from_slice(Event::of(&shipped).unwrap().body()).unwrap();
    assert_eq!(
        (&body["type"], &body["data"]["item"]["id"]),
        (&json!("item.shipped"), &json!(3))
    );
}

#[test]
fn what_is_sent_is_valid_by_every_document() {
    let catalogue = catalogue();
    let shipped = other::Shipped {
        item: other::Item { id: 3 },
    };
    let sent = [
        ("order.created", Event::of(&order()).unwrap()),
        ("item.shipped_2026-11__", Event::of(&shipped).unwrap()),
    ];
    let (json_schema, openapi) = (catalogue.json_schema(), catalogue.openapi());
    for (name, event) in &sent {
        let body = serde_json::from_slice(event.body()).unwrap();
        for (document, path) in [(&json_schema, "$defs"), (&openapi, "components/schemas")] {
            let at = format!("#/{path}/{name}");
            assert!(is_valid(document, &at, &body), "{at}");
            assert!(!is_valid(document, &at, &json!({})), "{at}");
        }
        let mut entries = catalogue.entries();
        let alone = entries
            .find(|entry| entry.name() == event.event_type())
            .unwrap();
        let alone = jsonschema::validator_for(&alone.schema()).unwrap();
        assert!(alone.is_valid(&body) && !alone.is_valid(&json!({})));
    }
}

#[test]
fn schemas_by_hand_mean_the_same_within_a_document() {
    let catalogue = catalogue();
    let alone = jsonschema::validator_for(&raw()).unwrap();
    let (json_schema, openapi) = (catalogue.json_schema(), catalogue.openapi());
    for (value, expected) in [
        (
            json!({ "amount": 1, "currency": "EUR", "again": { "amount": 2 }, "same": 3 }),
            true,
        ),
        (json!({ "amount": 0 }), false),
        (json!({ "amount": 1, "currency": "DEM" }), false),
        (json!({ "amount": 1, "again": { "amount": 0 } }), false),
        (json!({ "amount": 1, "same": 0 }), false),
        (
            json!({ "amount": 1, "literal": { "$ref": "#/$defs/nowhere" } }),
            true,
        ),
        (json!({}), false),
    ] {
        assert_eq!(alone.is_valid(&value), expected, "{value}");
        let within = is_valid(&openapi, "#/components/schemas/order.refunded", &value);
        assert_eq!(within, expected, "{value}");
        assert_eq!(
            is_valid(&json_schema, "#/$defs/order.refunded", &value),
            expected
        );
    }
}

#[test]
fn the_openapi_document_is_whole() {
    let document = catalogue().openapi();
    assert_eq!(document["openapi"], "3.1.1");
    assert_references_lead_somewhere(&document);
    assert_references_lead_somewhere(&catalogue().json_schema());
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let is_plain = |name: &String| {
        name.chars()
            .all(|letter| letter.is_ascii_alphanumeric() || ".-_".contains(letter))
    };
    assert!(schemas.keys().all(is_plain), "{:?}", schemas.keys());
    assert!(schemas.values().all(|schema| schema.get("$defs").is_none()));
    // Two types of one name, each under its own.
    assert!(schemas.contains_key("Item") && schemas.contains_key("Item2"));
    let webhooks: BTreeSet<_> = document["webhooks"].as_object().unwrap().keys().collect();
    let expected = ["item.shipped_2026-11__", "order.created", "order.refunded"];
    assert!(webhooks.iter().map(|name| name.as_str()).eq(expected));
    let version = &document["webhooks"]["item.shipped_2026-11__"]["post"]["parameters"][0];
    assert_eq!(version["schema"]["const"], "2026-11/β");
}

#[test]
fn entries_tell_what_they_are() {
    let catalogue = catalogue();
    let told = |name: &str| {
        let mut entries = catalogue.entries();
        let entry = entries.find(|entry| entry.name() == name).unwrap();
        (
            entry.version().map(str::to_owned),
            entry.description().to_owned(),
        )
    };
    let (version, description) = told("item.shipped");
    assert_eq!(version.as_deref(), Some("2026-11/β"));
    assert_eq!(description, "It is on its way.");
    assert_eq!(
        told("order.refunded"),
        (None, "Money went back.".to_owned())
    );
}

#[test]
fn of_a_schema_by_hand_only_references_into_itself_are_rewritten() {
    let own = json!({
        "$id": "https://example.com/inner",
        "properties": { "own": { "$ref": "#/$defs/own" } },
        "$defs": { "own": { "type": "integer" } },
    });
    let schema = json!({
        "type": "object",
        "properties": {
            "title": { "type": "string", "description": "#/$defs/a b" },
            "either": { "anyOf": [{ "$ref": "#/$defs/a b" }, { "$ref": "#/$defs/a?b" }] },
            "inner": own,
        },
        "$defs": {
            "a b": { "title": "first" },
            "a?b": { "title": "second" },
            "a_b": { "title": "third" },
        },
    });
    let text = schema
        .to_string()
        .replace("\"#/$defs/a b\"}", "\"#/$defs/a%20b\"}");
    let schema = serde_json::from_str(&text).unwrap();
    let catalogue = Catalogue::new().raw("e", None, "", schema);
    let definitions = &catalogue.json_schema()["$defs"];
    let titles = ["e.a_b", "e.a_b_2", "e.a_b_3"].map(|name| definitions[name]["title"].clone());
    assert_eq!(titles, ["first", "second", "third"]);
    let properties = &definitions["e"]["properties"];
    assert_eq!(properties["title"]["description"], "#/$defs/a b");
    let either = json!([{ "$ref": "#/$defs/e.a_b" }, { "$ref": "#/$defs/e.a_b_2" }]);
    assert_eq!(properties["either"]["anyOf"], either);
    // What has an address of its own is what its references mean.
    assert_eq!(properties["inner"], own);
}

#[test]
fn the_order_in_which_events_are_added_changes_nothing() {
    let other = Catalogue::new()
        .raw("order.refunded", None, "Money went back.", raw())
        .event::<other::Shipped>()
        .event::<OrderCreated>();
    assert_eq!(
        catalogue().json_schema().to_string(),
        other.json_schema().to_string()
    );
    assert_eq!(
        catalogue().openapi().to_string(),
        other.openapi().to_string()
    );
    assert_eq!(catalogue().markdown(), other.markdown());
}

#[test]
fn the_markdown_has_a_table_for_each_event_and_each_type() {
    let markdown = catalogue().titled("Events of the shop", "3").markdown();
    for line in [
        "# Events of the shop",
        "## `order.created`",
        "Somebody ordered something.",
        "| `order` | integer | yes | The number \\| of the order. |",
        "| `items` | array of Item2 | yes |  |",
        "| `note` | string or null | yes |  |",
        "## `item.shipped`, version 2026-11/β",
        "| `timestamp` | string (date-time) | yes | When it happened. |",
        "| `amount` | order.refunded.a_mount_1 | yes |  |",
        "| `again` | order.refunded | no |  |",
        "### Item",
        "| `kind` | Kind | yes |  |",
        "| `name` | string | yes | What it is. |",
        "It is: `\"goods\"` or `\"service\"`.",
    ] {
        assert!(
            markdown.lines().any(|other| other == line),
            "{line} in\n{markdown}"
        );
    }
}

#[test]
fn a_catalogue_with_something_wrong_makes_no_sender() {
    for wrong in [
        catalogue().event::<OrderCreated>(),
        catalogue().raw("order created", None, "", json!({})),
        catalogue().raw("order.closed", None, "", json!([])),
    ] {
        let builder = Sender::builder(MemoryOutbox::new(), SealingKey::generate());
        let err = builder.catalogue(wrong).build().unwrap_err();
        assert_eq!(err.field(), "catalogue");
    }
    let versions = catalogue().raw("order.created", Some("2"), "", json!({}));
    assert!(versions.check().is_ok());
    assert_eq!(versions.entries().len(), 4);
}

#[tokio::test]
async fn only_events_of_the_catalogue_are_emitted_and_asked_for() {
    let store = MemoryOutbox::new();
    let key = SealingKey::generate();
    let sender = Sender::builder(store, key)
        .catalogue(catalogue())
        .build()
        .unwrap();
    sender.emit(Event::of(&order()).unwrap()).await.unwrap();
    sender
        .emit(Event::new(TEST_EVENT, "{}").unwrap())
        .await
        .unwrap();
    for unknown in ["order.closed", "order", "order.created.twice"] {
        let event = || Event::new(unknown, "{}").unwrap();
        let err = sender.emit(event()).await.unwrap_err();
        assert_eq!(
            (err.kind(), err.field()),
            (OutboundErrorKind::Invalid, Some("event_type"))
        );
        assert_eq!(
            sender.emit(event()).lossy().unwrap_err().field(),
            Some("event_type")
        );
    }
    let new = |pattern: &str| NewEndpoint::new("https://example.com/").events([pattern]);
    let mut id = None;
    for known in ["*", "order.*", "order.created", "webhook.test", "webhook.*"] {
        id = Some(
            sender
                .endpoints()
                .create(new(known))
                .await
                .unwrap()
                .endpoint
                .id,
        );
    }
    let id = id.unwrap();
    for unknown in ["order", "order.closed", "user.*", "order.created.*"] {
        let err = sender.endpoints().create(new(unknown)).await.unwrap_err();
        assert_eq!(err.field(), Some("events"), "{unknown}");
        let patch = EndpointPatch {
            events: Some(vec!["*".to_owned(), unknown.to_owned()]),
            ..EndpointPatch::default()
        };
        let err = sender.endpoints().update(&id, patch).await.unwrap_err();
        assert_eq!(err.field(), Some("events"), "{unknown}");
    }
}

#[tokio::test]
async fn an_endpoint_outlives_the_event_it_asked_for() {
    let (store, key) = (MemoryOutbox::new(), [7; 32]);
    let sender = Sender::builder(store.clone(), SealingKey::new(key))
        .build()
        .unwrap();
    let new = NewEndpoint::new("https://example.com/").events(["user.*"]);
    let id = sender.endpoints().create(new).await.unwrap().endpoint.id;
    let smaller = Sender::builder(store, SealingKey::new(key)).catalogue(catalogue());
    let smaller = smaller.build().unwrap();
    let patch = EndpointPatch {
        enabled: Some(false),
        ..EndpointPatch::default()
    };
    let endpoint = smaller.endpoints().update(&id, patch).await.unwrap();
    assert!(!endpoint.state.is_active());
}

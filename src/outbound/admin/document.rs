//! The service as OpenAPI, from its table of paths and the types that it reads and answers with.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::problem::Problem;
use super::request::{
    DeadLettersQuery, DeliveriesQuery, ListQuery, NewEndpointBody, NothingBody, PatchBody,
    ReplayBody, RotateBody,
};
use super::routes::{Action, ROUTES};
use super::view::{
    DeliveryView, EndpointView, EventTypesView, Page, ReplayedView, SecretView, SendingView,
};
use crate::outbound::catalogue::{Catalogue, OPENAPI, generator};

/// The document, in JSON.
pub(super) fn write(catalogue: Option<&Catalogue>, at: &str) -> Vec<u8> {
    // Its own types first: those of events that have the same names get a number behind them.
    let mut schemas = generator("/components/schemas");
    let mut paths = Map::new();
    for route in &ROUTES {
        let mut item = Map::new();
        let parameters = parameters(route.path);
        if !parameters.is_empty() {
            item.insert("parameters".to_owned(), parameters.into());
        }
        for (method, action) in route.actions {
            let operation = operation(*action, &mut schemas);
            item.insert(method.to_lowercase(), operation);
        }
        paths.insert(route.path.to_owned(), item.into());
    }
    let none = Catalogue::new();
    let defined = catalogue.unwrap_or(&none).define(schemas);
    let mut document = json!({
        "openapi": OPENAPI,
        "info": { "title": "Webhook endpoints and their deliveries", "version": env!("CARGO_PKG_VERSION") },
        "paths": paths,
        "webhooks": defined.webhooks(),
        "components": { "schemas": defined.definitions },
    });
    if !at.is_empty() {
        document["servers"] = json!([{ "url": at }]);
    }
    serde_json::to_vec(&document).expect("a value can be written")
}

fn operation(action: Action, schemas: &mut SchemaGenerator) -> Value {
    let said = action.operation();
    let mut done = json!({ "description": "Done." });
    if let Some(schema) = answered(action, schemas) {
        done["content"] = json!({ "application/json": { "schema": schema } });
    }
    for (name, description) in said.headers {
        done["headers"][*name] =
            json!({ "description": description, "schema": { "type": "string" } });
    }
    let mut responses = Map::new();
    responses.insert(said.done.to_string(), done);
    let problem = schemas.subschema_for::<Problem>();
    for status in said.problems.iter().chain(&[403]) {
        let reason = http::StatusCode::from_u16(*status).ok();
        let reason = reason.and_then(|status| status.canonical_reason());
        let answer = json!({
            "description": reason,
            "content": { "application/problem+json": { "schema": problem } },
        });
        responses.insert(status.to_string(), answer);
    }
    let mut operation = json!({
        "operationId": said.id,
        "summary": said.summary,
        "responses": responses,
    });
    let mut parameters = queried(action);
    if said.is_conditional {
        parameters.push(json!({
            "name": "If-Match",
            "in": "header",
            "description": "The `ETag` of what was seen: done only when it is still that.",
            "schema": { "type": "string" },
        }));
    }
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if let Some((schema, is_required)) = asked(action) {
        operation["requestBody"] = json!({
            "required": is_required,
            "content": { "application/json": { "schema": schema } },
        });
    }
    operation
}

/// What it answers with when it is done.
fn answered(action: Action, schemas: &mut SchemaGenerator) -> Option<Value> {
    let schema = match action {
        Action::List => schemas.subschema_for::<Page<EndpointView>>(),
        Action::Create | Action::Rotate => schemas.subschema_for::<SecretView<'_>>(),
        Action::Get | Action::Update => schemas.subschema_for::<EndpointView>(),
        Action::Delete => return None,
        Action::Deliveries | Action::DeadLetters => schemas.subschema_for::<Page<DeliveryView>>(),
        Action::Retry | Action::Test => schemas.subschema_for::<SendingView<'_>>(),
        Action::Replay => schemas.subschema_for::<ReplayedView>(),
        Action::EventTypes => schemas.subschema_for::<EventTypesView<'_>>(),
        Action::OpenApi => return Some(json!({ "type": "object" })),
    };
    Some(schema.to_value())
}

/// What it reads, and whether there must be something.
fn asked(action: Action) -> Option<(Value, bool)> {
    match action {
        Action::Create => Some((read::<NewEndpointBody>(), true)),
        Action::Update => Some((read::<PatchBody>(), true)),
        Action::Replay => Some((read::<ReplayBody>(), true)),
        Action::Rotate => Some((read::<RotateBody>(), false)),
        Action::Retry | Action::Test => Some((read::<NothingBody>(), false)),
        _ => None,
    }
}

/// The parameters of its query.
fn queried(action: Action) -> Vec<Value> {
    let schema = match action {
        Action::List => read::<ListQuery>(),
        Action::Deliveries => read::<DeliveriesQuery>(),
        Action::DeadLetters => read::<DeadLettersQuery>(),
        _ => return Vec::new(),
    };
    let properties = schema["properties"].as_object().cloned();
    let parameter = |(name, mut schema): (String, Value)| {
        let description = schema
            .as_object_mut()
            .and_then(|it| it.remove("description"));
        json!({ "name": name, "in": "query", "description": description, "schema": schema })
    };
    properties.into_iter().flatten().map(parameter).collect()
}

/// The parameters of a path.
fn parameters(path: &str) -> Vec<Value> {
    let names = path.split('/').filter_map(|segment| {
        let name = segment.strip_prefix('{')?;
        name.strip_suffix('}')
    });
    let parameter = |name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } });
    names.map(parameter).collect()
}

/// The schema of what is read, all in one.
fn read<T: JsonSchema>() -> Value {
    let all_in_one = |settings: &mut SchemaSettings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    };
    let settings = SchemaSettings::draft2020_12().with(all_in_one);
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.remove("title");
    let mut schema = schema.to_value();
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for property in properties.into_iter().flat_map(Map::values_mut) {
        // What may be left out and may not be `null` has no default.
        if property.get("default").is_some_and(Value::is_null)
            && let Some(property) = property.as_object_mut()
        {
            property.remove("default");
        }
    }
    schema
}

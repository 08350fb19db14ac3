//! Parts of the JSON Schema that the types do not tell.

use schemars::Schema;
use serde_json::{Value, json};

/// A key with a default is not required, and a secret may be given as a file.
pub(super) fn root(schema: &mut Schema) {
    let defaults = [
        ("host", json!("127.0.0.1")),
        ("routes", json!({})),
        ("maintenance", json!(false)),
        ("limits", json!({ "requests_per_second": 0 })),
        ("debug", json!(false)),
        ("upgrade", json!({ "watch": false })),
        ("plugins", json!({})),
    ];
    for (key, default) in defaults {
        not_required(schema, key);
        if let Some(property) =
            schema.pointer_mut(&format!("/properties/{key}")).and_then(Value::as_object_mut)
        {
            property.insert("default".to_owned(), default);
        }
    }
    section(schema);
    as_file(schema, "admin_token");
    let not_both = json!({ "required": ["admin_token", "admin_token_file"] });
    schema.insert("not".to_owned(), not_both);
}

pub(super) fn database(schema: &mut Schema) {
    not_required(schema, "password");
    as_file(schema, "password");
    let one = json!([{ "required": ["password"] }, { "required": ["password_file"] }]);
    schema.insert("oneOf".to_owned(), one);
    section(schema);
}

pub(super) fn section(schema: &mut Schema) {
    schema.insert("patternProperties".to_owned(), json!({ "^x-": true }));
    schema.insert("additionalProperties".to_owned(), json!(false));
}

fn not_required(schema: &mut Schema, key: &str) {
    if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|name| name != key);
    }
}

fn as_file(schema: &mut Schema, secret: &str) {
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        let words = format!("A file that holds `{secret}`, relative to this one.");
        properties.insert(format!("{secret}_file"), json!({ "type": "string", "description": words }));
    }
}

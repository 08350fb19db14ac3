//! What the JSON Schema says beyond the types.

use schemars::Schema;
use serde_json::{Value, json};

/// What has a default is not required, and a secret may be given as a file.
pub(super) fn root(schema: &mut Schema) {
    let defaults = [
        ("host", json!("127.0.0.1")),
        ("routes", json!({})),
        ("maintenance", json!(false)),
        ("limits", json!({ "requests_per_second": 0 })),
        ("upgrade", json!({})),
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

#[cfg(test)]
mod tests {
    use crate::app_config::AppConfig;
    use crate::configs::Configs;

    #[test]
    fn the_schema_names_every_key() {
        let schema: serde_json::Value = serde_json::from_str(&Configs::<AppConfig>::schema()).expect("JSON");
        let keys = |pointer: &str| -> Vec<String> {
            let properties = schema.pointer(pointer).and_then(|found| found.as_object()).expect(pointer);
            let mut keys: Vec<_> = properties.keys().cloned().collect();
            keys.sort();
            keys
        };
        assert_eq!(
            keys("/properties").join(" "),
            "admin_token admin_token_file app_name database host limits maintenance port revision routes settings upgrade"
        );
        assert_eq!(
            keys("/$defs/Database/properties").join(" "),
            "host name password password_file port user"
        );
        assert_eq!(
            keys("/$defs/Settings/properties").join(" "),
            "feature_flag_a log_level refresh_interval_seconds"
        );
        assert_eq!(keys("/$defs/Limits/properties").join(" "), "requests_per_second");
        assert_eq!(keys("/$defs/Upgrade/properties").join(" "), "public_key sha256");
        assert_eq!(schema["required"], serde_json::json!(["app_name", "port", "database", "settings"]));
    }
}

//! The JSON Schema of the demo's settings.

use configs::{AppConfig, Configs};

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
        "admin_token admin_token_file app_name database debug host limits maintenance plugins port revision routes settings \
         upgrade"
    );
    assert_eq!(
        keys("/$defs/Database/properties").join(" "),
        "host leak_after name password password_file pool_size port user"
    );
    assert_eq!(schema["$defs"]["Database"]["required"], serde_json::json!(["host", "port", "user", "name"]));
    assert_eq!(schema["$defs"]["Database"]["properties"]["pool_size"]["default"], 4);
    assert_eq!(
        keys("/$defs/Settings/properties").join(" "),
        "feature_flag_a log_level refresh_interval_seconds"
    );
    assert_eq!(keys("/$defs/Limits/properties").join(" "), "requests_per_second");
    assert_eq!(keys("/$defs/Plugins/properties").join(" "), "greeter sha256");
    assert_eq!(keys("/$defs/Upgrade/properties").join(" "), "public_key sha256 watch");
    assert_eq!(schema["required"], serde_json::json!(["app_name", "port", "database", "settings"]));
}

//! The notation of variables.

use std::collections::BTreeMap;

use toml_edit::Item;

use super::{Fault, Read, Text, part};

impl Read for BTreeMap<String, String> {
    const EXPECTED: &'static str = "a table of strings such as { RUST_LOG = \"debug\" }";

    /// Names and values of variables: a table, or a list of `NAME=value`.
    fn read(item: &Item) -> Result<Self, Fault> {
        let mut variables = Self::new();
        if item.is_array() {
            for line in Vec::<String>::read(item)?.into_iter().filter(|line| !line.is_empty()) {
                let Some((name, value)) = line.split_once('=') else {
                    return Err(Fault::saying(format!("holds `{line}`, which has no `=`")));
                };
                variables.insert(variable_name(name)?, value.to_owned());
            }
            return Ok(variables);
        }
        let table = item.as_table_like().ok_or_else(Fault::default)?;
        for (name, value) in table.iter() {
            let Text(text) = part(value)?;
            variables.insert(variable_name(name)?, text);
        }
        Ok(variables)
    }
}

fn variable_name(name: &str) -> Result<String, Fault> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(Fault::saying(format!("holds `{name}`, which is not the name of a variable")));
    }
    Ok(name.to_owned())
}

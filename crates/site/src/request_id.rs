//! The name that a request goes by in logs.

use bytes::Bytes;

/// Given by the caller, or made here. Plain ASCII.
pub(crate) enum RequestId {
    Callers(Bytes),
    Numbered(u64),
}

impl RequestId {
    /// A caller's, if it can stand in a log line and in a header: 1 to 128 letters, digits, `-`, `_` or `.`.
    pub(crate) fn of_caller(id: &[u8]) -> Option<RequestId> {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        ((1..=128).contains(&id.len()) && id.iter().all(plain))
            .then(|| RequestId::Callers(Bytes::copy_from_slice(id)))
    }

    /// In full: numbers are those of the instance.
    pub(crate) fn text(&self, instance: &[u8]) -> Bytes {
        match self {
            RequestId::Callers(id) => id.clone(),
            RequestId::Numbered(number) => {
                let mut digits = itoa::Buffer::new();
                [instance, b"-", digits.format(*number).as_bytes()].concat().into()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RequestId;

    #[test]
    fn only_a_plain_request_id_is_taken_over() {
        for (id, expected) in [
            ("7f-a_b.C", true),
            (&"x".repeat(128), true),
            (&"x".repeat(129), false),
            ("", false),
            ("a b", false),
            ("a\"b", false),
            ("é", false),
        ] {
            assert_eq!(RequestId::of_caller(id.as_bytes()).is_some(), expected, "{id}");
        }
    }

    #[test]
    fn a_number_is_told_with_its_instance() {
        for (number, expected) in
            [(0, "ab-0"), (9, "ab-9"), (10, "ab-10"), (u64::MAX, "ab-18446744073709551615")]
        {
            assert_eq!(RequestId::Numbered(number).text(b"ab"), expected);
        }
    }
}

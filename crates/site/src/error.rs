//! The errors that a visitor is told.

use std::fmt;

use crate::answer::Answer;

/// Why a request was not answered as asked, in the words that the visitor may see.
///
/// `Display` never shows the cause of [`Error::Internal`]: that is for the log, see [`Site::answered`](crate::Site::answered).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// There is more than one `Host` header (RFC 9112, section 3.2).
    TwoHosts,
    /// The body is announced as larger than 64 KiB.
    BodyTooLarge,
    /// The process answers no more requests in this second.
    TooManyRequests {
        /// When it is worth to ask again, in whole seconds, at least 1.
        retry_after: u64,
    },
    /// The site is closed for maintenance.
    Maintenance,
    /// Nothing is at this path.
    NotFound {
        /// The path as the client wrote it.
        path: String,
    },
    /// The route belongs to a Cargo feature that this build does not have.
    NotBuilt {
        /// The path.
        path: String,
        /// The feature.
        feature: &'static str,
    },
    /// A part that the answer needs cannot be reached. The part has logged why.
    Unavailable {
        /// The sentence for the visitor.
        sentence: &'static str,
    },
    /// The route cannot be answered as it was asked, now or in this build.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The sentence for the visitor.
        sentence: &'static str,
    },
    /// The path is there, but only to be read.
    MethodNotAllowed,
    /// A value that is set at run time, asked for with another method.
    OverrideMethod,
    /// A guarded route, asked without the token.
    Unauthorized,
    /// A guarded route without a token, asked from afar.
    Forbidden,
    /// A handler failed.
    Internal {
        /// The whole cause, for the log alone.
        cause: String,
    },
}

impl Error {
    /// A handler failed. The visitor reads one plain sentence, `cause` goes to the log.
    pub fn internal(cause: impl fmt::Display) -> Self {
        Error::Internal { cause: cause.to_string() }
    }

    /// The answer for the visitor.
    pub fn answer(&self) -> Answer {
        let mut answer = Answer::new(self.status(), self.content_type(), self.body());
        answer.headers.extend(self.header());
        answer
    }

    fn status(&self) -> u16 {
        match self {
            Error::TwoHosts => 400,
            Error::BodyTooLarge => 413,
            Error::TooManyRequests { .. } => 429,
            Error::Maintenance | Error::Unavailable { .. } => 503,
            Error::NotFound { .. } | Error::NotBuilt { .. } => 404,
            Error::Refused { status, .. } => *status,
            Error::MethodNotAllowed | Error::OverrideMethod => 405,
            Error::Unauthorized => 401,
            Error::Forbidden => 403,
            Error::Internal { .. } => 500,
        }
    }

    /// The header that the client needs to go on.
    fn header(&self) -> Option<(&'static str, String)> {
        Some(match self {
            Error::TooManyRequests { retry_after } => ("retry-after", retry_after.to_string()),
            Error::Maintenance | Error::Unavailable { .. } => ("retry-after", "5".to_owned()),
            Error::MethodNotAllowed => ("allow", "GET, HEAD".to_owned()),
            Error::OverrideMethod => ("allow", "GET, HEAD, PUT, DELETE".to_owned()),
            Error::Unauthorized => ("www-authenticate", "Bearer".to_owned()),
            _ => return None,
        })
    }

    fn body(&self) -> String {
        match self {
            Error::NotFound { path } => serde_json::json!({ "error": "not found", "path": path }).to_string(),
            Error::NotBuilt { path, feature } => {
                serde_json::json!({ "error": "not found", "path": path, "feature": feature }).to_string()
            }
            Error::Maintenance => MAINTENANCE.to_owned(),
            other => format!("{other}\n"),
        }
    }

    fn content_type(&self) -> &'static str {
        match self {
            Error::NotFound { .. } | Error::NotBuilt { .. } => "application/json",
            Error::Maintenance => "text/html; charset=utf-8",
            _ => "text/plain; charset=utf-8",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::TwoHosts => "the request has more than one `Host` header",
            Error::BodyTooLarge => "the body is larger than 64 KiB",
            Error::TooManyRequests { .. } => "too many requests, try again in a moment",
            Error::Maintenance => "closed for maintenance",
            Error::NotFound { .. } | Error::NotBuilt { .. } => "not found",
            Error::Unavailable { sentence } | Error::Refused { sentence, .. } => sentence,
            Error::MethodNotAllowed => "this address can only be read, with GET or HEAD",
            Error::OverrideMethod => "a value can be read, set and taken back, with GET, PUT and DELETE",
            Error::Unauthorized => "this address wants `Authorization: Bearer` with the admin token",
            Error::Forbidden => "without an `admin_token` this address answers only on the machine itself",
            Error::Internal { .. } => "the server could not answer; its log says why",
        })
    }
}

impl std::error::Error for Error {}

/// The visitor reads one plain sentence, the error goes to the log.
impl From<views::Error> for Error {
    fn from(error: views::Error) -> Self {
        Error::Internal { cause: error.to_string() }
    }
}

const MAINTENANCE: &str = "<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width\">
<title>Closed for maintenance</title>
<h1>Closed for maintenance</h1>
<p>The site is back in a moment.</p>
</html>
";

#[cfg(test)]
mod tests {
    use super::Error;

    #[test]
    fn a_path_cannot_break_out_of_the_json() {
        let error = Error::NotFound { path: "/\"},{\"".to_owned() };
        let body: serde_json::Value = serde_json::from_slice(&error.answer().body).unwrap();
        assert_eq!(body["path"], "/\"},{\"");
    }

    #[test]
    fn every_refusal_carries_what_the_client_needs_to_go_on() {
        for (error, name, value) in [
            (Error::TooManyRequests { retry_after: 1 }, "retry-after", "1"),
            (Error::MethodNotAllowed, "allow", "GET, HEAD"),
            (Error::OverrideMethod, "allow", "GET, HEAD, PUT, DELETE"),
            (Error::Unauthorized, "www-authenticate", "Bearer"),
        ] {
            assert!(error.answer().headers.contains(&(name, value.to_owned())), "{error:?}");
        }
    }
}

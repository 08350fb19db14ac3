//! The answer of a request that failed or was refused.

use std::convert::Infallible;

use warp::reject::{MethodNotAllowed, Reject, Rejection};
use warp::reply::{Reply, Response};

use crate::operations::respond;

/// The site's error as a reply and as a rejection. The reply carries it as an extension, for the log.
#[derive(Clone, Debug)]
pub(crate) struct Failure(pub(crate) site::Error);

/// Answers what no filter has answered. A path that only the method does not fit comes first: the filters behind it have
/// rejected the path.
pub(crate) async fn recover(rejection: Rejection) -> Result<Failure, Infallible> {
    Ok(if rejection.find::<MethodNotAllowed>().is_some() {
        Failure(site::Error::MethodNotAllowed)
    } else if let Some(failure) = rejection.find::<Failure>() {
        failure.clone()
    } else {
        Failure(site::Error::internal(format_args!("no filter answers: {rejection:?}")))
    })
}

impl<E: Into<site::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl Reject for Failure {}

impl Reply for Failure {
    fn into_response(self) -> Response {
        let Self(error) = self;
        let mut response = respond(error.answer());
        response.extensions_mut().insert(error);
        response
    }
}

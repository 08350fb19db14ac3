//! The configuration of a request, as an extractor.

use actix_web::web::ReqData;
use site::RequestContext;

/// The only snapshot of the configuration that this request sees. The admission puts it into the request.
pub(crate) type Config = ReqData<RequestContext>;

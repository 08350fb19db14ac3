//! The program's functions for the events of the server's life.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::binary::Rules;

/// The program's functions for the events of the server's life.
pub(crate) struct Hooks {
    pub(crate) reload: Box<dyn Fn() -> Reloading + Send>,
    pub(crate) rules: Box<dyn Fn() -> Rules + Send>,
    pub(crate) probation: Duration,
}

/// The reload of a program's settings.
pub(crate) type Reloading = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Hooks {
    /// Functions that do nothing: no reload, any program.
    pub(crate) fn new(probation: Duration) -> Hooks {
        Hooks { reload: Box::new(|| Box::pin(async {})), rules: Box::new(Rules::default), probation }
    }
}

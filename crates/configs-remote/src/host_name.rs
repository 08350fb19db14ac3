/// The name of this host, for [`Builder::instance`](configs::Builder::instance).
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

//! Words and descriptors on their way through a socket.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::cmsg_space;
use rustix::io::retry_on_intr;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};

/// As many as a message may carry.
const MOST: usize = 253;

/// Ends the words of a parcel: the socket is a stream.
const END: u8 = b'\n';

/// One line, with descriptors.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) words: String,
    pub(super) descriptors: Vec<OwnedFd>,
}

impl Parcel {
    pub(super) fn new(words: &str, descriptors: Vec<OwnedFd>) -> Parcel {
        Parcel { words: words.to_owned(), descriptors }
    }

    pub(super) fn send(self, channel: &UnixStream) -> io::Result<()> {
        let descriptors: Vec<_> = self.descriptors.iter().map(AsFd::as_fd).collect();
        let mut space = vec![MaybeUninit::uninit(); cmsg_space!(ScmRights(MOST))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("more than {MOST} descriptors")));
        }
        let line = [self.words.as_bytes(), &[END]].concat();
        sendmsg(channel, &[IoSlice::new(&line)], &mut ancillary, SendFlags::NOSIGNAL)?;
        Ok(())
    }

    /// The next parcel; `None` when the other side has closed.
    pub(super) fn receive(channel: &UnixStream) -> io::Result<Option<Parcel>> {
        let (mut words, mut descriptors) = (Vec::new(), Vec::new());
        loop {
            let mut space = vec![MaybeUninit::uninit(); cmsg_space!(ScmRights(MOST))];
            let mut ancillary = RecvAncillaryBuffer::new(&mut space);
            let mut byte = [0];
            let received = retry_on_intr(|| {
                let mut room = [IoSliceMut::new(&mut byte)];
                recvmsg(channel, &mut room, &mut ancillary, RecvFlags::CMSG_CLOEXEC)
            })?;
            for message in ancillary.drain() {
                if let RecvAncillaryMessage::ScmRights(handed) = message {
                    descriptors.extend(handed);
                }
            }
            match (received.bytes, byte[0]) {
                (0, _) => return Ok(None),
                (_, END) => break,
                (_, byte) => words.push(byte),
            }
        }
        let words = String::from_utf8_lossy(&words).into_owned();
        Ok(Some(Parcel { words, descriptors }))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use super::Parcel;

    #[test]
    fn parcels_arrive_in_order_each_with_its_own() {
        let (here, there) = UnixStream::pair().unwrap();
        let (mut inner, handed) = UnixStream::pair().unwrap();
        Parcel::new("with", vec![handed.into()]).send(&here).unwrap();
        Parcel::new("without", Vec::new()).send(&here).unwrap();
        drop(here);
        let mut first = Parcel::receive(&there).unwrap().unwrap();
        assert_eq!((first.words.as_str(), first.descriptors.len()), ("with", 1));
        UnixStream::from(first.descriptors.remove(0)).write_all(b"through").unwrap();
        let mut words = String::new();
        inner.read_to_string(&mut words).unwrap();
        assert_eq!(words, "through");
        let second = Parcel::receive(&there).unwrap().unwrap();
        assert_eq!((second.words.as_str(), second.descriptors.len()), ("without", 0));
        assert!(Parcel::receive(&there).unwrap().is_none());
    }
}

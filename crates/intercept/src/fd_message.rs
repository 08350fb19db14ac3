//! A line of text with descriptors, sent over a Unix socket.

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

/// `SCM_MAX_FD`: the kernel refuses more descriptors in a message.
const MOST: usize = 253;

/// Ends the text: the socket is a stream.
const END: u8 = b'\n';

/// One line of text, with descriptors.
#[derive(Debug)]
pub(crate) struct FdMessage {
    pub(crate) text: String,
    pub(crate) descriptors: Vec<OwnedFd>,
}

impl FdMessage {
    pub(crate) fn new(text: &str, descriptors: Vec<OwnedFd>) -> FdMessage {
        FdMessage { text: text.to_owned(), descriptors }
    }

    pub(crate) fn send(self, channel: &UnixStream) -> io::Result<()> {
        let descriptors: Vec<_> = self.descriptors.iter().map(AsFd::as_fd).collect();
        let mut space = vec![MaybeUninit::uninit(); cmsg_space!(ScmRights(MOST))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("more than {MOST} descriptors")));
        }
        let line = [self.text.as_bytes(), &[END]].concat();
        sendmsg(channel, &[IoSlice::new(&line)], &mut ancillary, SendFlags::NOSIGNAL)?;
        Ok(())
    }

    /// The next message; `None` when the other side has closed.
    pub(crate) fn receive(channel: &UnixStream) -> io::Result<Option<FdMessage>> {
        let (mut text, mut descriptors) = (Vec::new(), Vec::new());
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
                (_, byte) => text.push(byte),
            }
        }
        let text = String::from_utf8_lossy(&text).into_owned();
        Ok(Some(FdMessage { text, descriptors }))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use super::FdMessage;

    #[test]
    fn messages_arrive_in_order_each_with_its_descriptors() {
        let (here, there) = UnixStream::pair().unwrap();
        let (mut inner, handed) = UnixStream::pair().unwrap();
        FdMessage::new("with", vec![handed.into()]).send(&here).unwrap();
        FdMessage::new("without", Vec::new()).send(&here).unwrap();
        drop(here);
        let mut first = FdMessage::receive(&there).unwrap().unwrap();
        assert_eq!((first.text.as_str(), first.descriptors.len()), ("with", 1));
        UnixStream::from(first.descriptors.remove(0)).write_all(b"through").unwrap();
        let mut text = String::new();
        inner.read_to_string(&mut text).unwrap();
        assert_eq!(text, "through");
        let second = FdMessage::receive(&there).unwrap().unwrap();
        assert_eq!((second.text.as_str(), second.descriptors.len()), ("without", 0));
        assert!(FdMessage::receive(&there).unwrap().is_none());
    }
}

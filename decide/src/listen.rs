//! Sockets that are bound before anything starts: streams for questions, datagrams for outcomes.
//!
//! A unix socket is bound under another name, given its permissions, and then renamed: nobody can
//! connect before it has them, and one that a killed service has left is replaced. One that
//! somebody still listens on is left alone. It is removed when the service ends.

use std::fs;
use std::io;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use crate::config::Address;

/// A bound socket for questions.
pub(crate) enum Listener {
    Unix(UnixListener, SocketFile),
    Tcp(TcpListener),
}

/// A bound socket for outcomes.
pub(crate) enum Mailbox {
    Unix(UnixDatagram, SocketFile),
    Udp(UdpSocket),
}

/// A socket's name in the file system, removed when dropped.
pub(crate) struct SocketFile {
    path: PathBuf,
    inode: u64,
}

impl Listener {
    pub(crate) fn bind(address: &Address, socket_mode: u32) -> io::Result<Self> {
        match address {
            Address::Unix(path) => {
                let is_in_use = |path: &Path| UnixStream::connect(path).is_ok();
                let (listener, file) =
                    bind_file(path, socket_mode, is_in_use, |path| UnixListener::bind(path))?;
                listener.set_nonblocking(true)?;
                Ok(Self::Unix(listener, file))
            }
            Address::Ip(address) => {
                let listener = TcpListener::bind(address)?;
                listener.set_nonblocking(true)?;
                Ok(Self::Tcp(listener))
            }
        }
    }

    /// Where it listens: with the port that was taken for port 0.
    pub(crate) fn address(&self) -> io::Result<Address> {
        match self {
            Self::Unix(_, file) => Ok(Address::Unix(file.path.clone())),
            Self::Tcp(listener) => listener.local_addr().map(Address::Ip),
        }
    }
}

impl Mailbox {
    pub(crate) fn bind(address: &Address, socket_mode: u32) -> io::Result<Self> {
        match address {
            Address::Unix(path) => {
                let is_in_use = |path: &Path| {
                    UnixDatagram::unbound().and_then(|socket| socket.connect(path)).is_ok()
                };
                let (socket, file) =
                    bind_file(path, socket_mode, is_in_use, |path| UnixDatagram::bind(path))?;
                Ok(Self::Unix(socket, file))
            }
            Address::Ip(address) => UdpSocket::bind(address).map(Self::Udp),
        }
    }

    /// Where it listens: with the port that was taken for port 0.
    pub(crate) fn address(&self) -> io::Result<Address> {
        match self {
            Self::Unix(_, file) => Ok(Address::Unix(file.path.clone())),
            Self::Udp(socket) => socket.local_addr().map(Address::Ip),
        }
    }
}

fn bind_file<T>(
    path: &Path,
    socket_mode: u32,
    is_in_use: impl Fn(&Path) -> bool,
    bind: impl Fn(&Path) -> io::Result<T>,
) -> io::Result<(T, SocketFile)> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            let problem = "there is a file of that name, which is no socket";
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, problem));
        }
        Ok(_) if is_in_use(path) => return Err(io::ErrorKind::AddrInUse.into()),
        _ => {}
    }
    let mut unready = path.as_os_str().to_owned();
    unready.push(".unready");
    let unready = PathBuf::from(unready);
    // Left by a service that was killed at this very moment, or nothing.
    let _ = fs::remove_file(&unready);
    let socket = bind(&unready)?;
    fs::set_permissions(&unready, fs::Permissions::from_mode(socket_mode))?;
    let inode = fs::symlink_metadata(&unready)?.ino();
    fs::rename(&unready, path)?;
    Ok((socket, SocketFile { path: path.to_path_buf(), inode }))
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Another service may have taken the name meanwhile; its socket is not ours to remove.
        let is_ours = fs::symlink_metadata(&self.path).is_ok_and(|found| found.ino() == self.inode);
        if is_ours {
            let _ = fs::remove_file(&self.path);
        }
    }
}

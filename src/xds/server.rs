//! The port: connections of HTTP/2 without TLS, and how they end.

use std::convert::Infallible;
use std::fs::{self, DirBuilder, Permissions};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt};
use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, UnixListener};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::address::Address;
use super::directory::Directory;
use super::service::Service;

/// Settings of the port.
#[derive(Clone, Debug)]
pub struct Transport {
    /// How long a connection is silent before it is asked whether it is alive.
    pub keepalive: Duration,
    /// How long it may take to say so.
    pub keepalive_timeout: Duration,
    /// How long a connection lasts, so that clients spread anew over replicas; give or take a tenth, so that they do not
    /// all come back at once. `--keepaliveMaxServerConnectionAge`.
    pub max_age: Option<Duration>,
    /// How long the streams of a connection that ends have to finish.
    pub grace: Duration,
    /// Streams per connection.
    pub max_streams: u32,
}

impl Default for Transport {
    /// istiod's settings (`pilot/pkg/grpc`, `pkg/keepalive`).
    fn default() -> Self {
        Self {
            keepalive: Duration::from_secs(30),
            keepalive_timeout: Duration::from_secs(10),
            max_age: None,
            grace: Duration::from_secs(10),
            max_streams: 100_000,
        }
    }
}

/// What a request may take of a stream before it is read: a request with ten thousand names fits.
const STREAM_WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 2 * 1024 * 1024;
/// How much of a response is handed to HTTP/2 beyond what the client takes: pointers, not copies.
const SEND_BUFFER: usize = 64 * 1024;
/// How many connections the kernel keeps until they are accepted. What is beyond it is dropped or reset.
const BACKLOG: u32 = 4096;
/// How many connections a second are ended at shutdown: the replicas that take them over should not be knocked down, and
/// let in as many (`Rate::automatic`).
const LEAVING: u32 = 500;
/// How long to wait when no connection can be accepted, because there are too many.
const BREATH: Duration = Duration::from_millis(100);

/// Where clients knock.
#[derive(Debug)]
pub enum Listener {
    /// A port.
    Tcp(TcpListener),
    /// A UNIX socket.
    Unix(UnixListener),
}

impl Listener {
    /// Opens a UNIX socket that only the user who runs this process can reach. What a process before left there is
    /// replaced.
    ///
    /// # Errors
    /// When there is something else, somebody serves there, or the folder cannot be written to.
    pub fn unix(path: &Path) -> io::Result<Self> {
        match fs::symlink_metadata(path) {
            Ok(found) if !found.file_type().is_socket() => {
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is a file that is not a socket"));
            }
            Ok(_) if std::os::unix::net::UnixStream::connect(path).is_ok() => {
                return Err(io::Error::new(io::ErrorKind::AddrInUse, "another process serves there"));
            }
            _ => {}
        }
        // Others could connect to a socket before its mode is set, were it not in a folder of our own until then.
        let mut folder = path.as_os_str().to_owned();
        folder.push(format!(".{}.new", std::process::id()));
        let folder = Path::new(&folder);
        DirBuilder::new().mode(0o700).create(folder)?;
        let opened = || {
            let inside = folder.join("socket");
            let listener = UnixListener::bind(&inside)?;
            fs::set_permissions(&inside, Permissions::from_mode(0o600))?;
            fs::rename(&inside, path)?;
            Ok(listener)
        };
        let listener = opened();
        fs::remove_dir_all(folder)?;
        listener.map(Self::Unix)
    }

    /// Whence clients find it, for people.
    pub fn place(&self) -> io::Result<String> {
        match self {
            Self::Tcp(listener) => listener.local_addr().map(|address| address.to_string()),
            Self::Unix(_) => Ok("a UNIX socket".to_owned()),
        }
    }

    async fn accept(&self) -> io::Result<(Box<dyn Stream>, Address)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // Acknowledgements are small and others wait for them.
                let _ = stream.set_nodelay(true);
                Ok((Box::new(stream), Address::Internet(address)))
            }
            Self::Unix(listener) => Ok((Box::new(listener.accept().await?.0), Address::Local)),
        }
    }
}

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self::Tcp(listener)
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Opens a port at which a thousand clients can knock at once.
///
/// # Errors
/// When the address is taken, or not one of this machine.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves `service` on a port until `shutdown` is cancelled, and then until all streams have ended, at most one and a half
/// times [`Transport::grace`] longer.
pub async fn serve<D: Directory>(
    listener: impl Into<Listener>,
    service: Service<D>,
    transport: Transport,
    shutdown: CancellationToken,
) {
    let listener = listener.into();
    let tasks = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => {
                let leave = leave(shutdown.clone(), tasks.clone(), transport.grace);
                tasks.spawn(connection(stream, address, service.clone(), transport.clone(), leave));
            }
            Err(error) => {
                warn!(%error, "cannot accept a connection");
                sleep(BREATH).await;
            }
        }
    }
    // Who knocks now finds a closed door, and not one behind which nobody answers.
    drop(listener);
    tasks.close();
    tasks.wait().await;
}

async fn connection<D: Directory>(
    stream: Box<dyn Stream>,
    address: Address,
    service: Service<D>,
    transport: Transport,
    leave: impl Future<Output = ()>,
) {
    let closing = CancellationToken::new();
    let served = service_fn(|request| {
        let response = service.call(request, address, closing.clone());
        async move { Ok::<_, Infallible>(response) }
    });
    let mut connection = pin!(
        http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(transport.keepalive)
            .keep_alive_timeout(transport.keepalive_timeout)
            .max_concurrent_streams(transport.max_streams)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(SEND_BUFFER)
            .serve_connection(TokioIo::new(stream), served)
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = closing.cancelled() => None,
        () = age(transport.max_age) => None,
        () = leave => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            closing.cancel();
            connection.as_mut().graceful_shutdown();
            // Past its grace it is cut off.
            tokio::time::timeout(transport.grace, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        debug!(%address, %error, "connection ended");
    }
}

/// Waits for the shutdown, and then for a connection's turn, at most half of the time that its streams have to finish.
async fn leave(shutdown: CancellationToken, connections: TaskTracker, grace: Duration) {
    shutdown.cancelled().await;
    let spread = Duration::from_secs(connections.len() as u64) / LEAVING;
    sleep(spread.min(grace / 2).mul_f64(chance())).await;
}

/// From 0 to 1.
fn chance() -> f64 {
    (RandomState::new().hash_one(0) % 2001) as f64 / 2000.0
}

/// Waits for the age at which a connection ends.
async fn age(max: Option<Duration>) {
    let Some(max) = max else { return std::future::pending().await };
    sleep(max.mul_f64(0.9 + chance() / 5.0)).await;
}

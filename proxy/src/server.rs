//! Start and stop: a gate as a value.
//!
//! Everything that can fail, fails in [`RunningGate::start`], before the first client is accepted.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use pingora::apps::HttpServerOptions;
use pingora::proxy::{HttpProxy, ProxyHttp};
use pingora::server::configuration::ServerConf;

use gate::identity::TrustedProxies;
use gate::{ConfigError, Engine, ReloadError, Reloaded, StartError};

use crate::admin::Admin;
use crate::bare::Bare;
use crate::config::Config;
use crate::hooks::GatedProxy;
use crate::listener::{Bound, Serving};
use crate::reload::Reloader;
use crate::timer;
use crate::upstream::{TRIES_MAX, Upstream};

/// Idle connections to the shop kept for each gate: as many as busy shops have workers, 64 KB each
/// at most.
const UPSTREAM_POOL: usize = 512;
/// One is enough for a scrape and a health check.
const ADMIN_THREADS: usize = 1;
/// A scrape under way when the gate stops may finish; nobody waits longer for it.
const ADMIN_GRACE: Duration = Duration::from_millis(500);

/// Why a gate did not start.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] StartError),
    /// A listener.
    #[error("cannot listen on {address}: {}", listen_problem(problem))]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        problem: io::Error,
    },
    /// The shop's name.
    #[error("cannot find the upstream {url}: {problem}. Check its name, or write its IP address.")]
    Upstream {
        /// The configured URL.
        url: String,
        /// What the resolver said.
        problem: io::Error,
    },
    /// Threads.
    #[error(
        "cannot start a thread: {0}. See the limits of the gate's user (ulimit -u) or container."
    )]
    Threads(io::Error),
}

fn listen_problem(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "the address is in use. Stop what listens there, or choose another port with \
                --listen."
                .to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            "permission denied. Ports below 1024 need CAP_NET_BIND_SERVICE; or choose a higher \
                port."
                .to_owned()
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine does not have the address. Choose one of its own, or 0.0.0.0 for \
                all."
                .to_owned()
        }
        _ => error.to_string(),
    }
}

/// A gate that is serving. Stops when dropped.
pub struct RunningGate {
    engine: Arc<Engine>,
    reloader: Reloader,
    grace: Duration,
    addr: SocketAddr,
    admin_addr: SocketAddr,
    serving: Option<(Serving, Serving)>,
}

impl RunningGate {
    /// Binds, loads, resolves, opens; then serves.
    ///
    /// # Errors
    /// What is wrong and what to do about it. Nothing is left running.
    pub fn start(config: Config) -> Result<Self, ProxyError> {
        let upstream = Arc::new(upstream(&config)?);
        let front = bind(config.door.listen)?;
        let back = bind(config.gate.admin())?;
        let engine = Arc::new(Engine::start(config.gate.clone())?);
        for warning in config.warnings() {
            tracing::warn!("{warning}");
        }
        let proxy = GatedProxy {
            engine: Arc::clone(&engine),
            upstream: Arc::clone(&upstream),
            timeouts: config.door.timeouts,
            body_bytes_max: config.door.body_bytes_max,
            complained_s: AtomicI64::new(0),
        };
        let (addr, admin_addr) = (front.addr(), back.addr());
        let app = app(proxy, &config);
        let front =
            front.serve("kidoban-gate", config.door.threads, app).map_err(ProxyError::Threads)?;
        let back = back
            .serve("kidoban-admin", ADMIN_THREADS, Admin { engine: Arc::clone(&engine) })
            .map_err(ProxyError::Threads)?;
        back.spawn(|shutdown| timer::run(Arc::clone(&engine), upstream, shutdown));
        let (listen, admin, mode) = (front.addr(), back.addr(), config.gate.mode());
        tracing::info!(%listen, %admin, upstream = config.upstream(), %mode, "the gate is open");
        let grace = config.door.timeouts.stop_grace;
        let reloader = Reloader { engine: Arc::clone(&engine), started: config.into() };
        let serving = Some((front, back));
        Ok(Self { engine, reloader, grace, addr, admin_addr, serving })
    }

    /// A pass-through that judges nobody, to measure the gate against.
    ///
    /// # Errors
    /// As [`RunningGate::start`].
    pub fn start_bare(config: &Config) -> Result<RunningBare, ProxyError> {
        pass_through(config, None)
    }

    /// A pass-through that also sets `X-Forwarded-For`: what any proxy in front of a shop costs.
    ///
    /// # Errors
    /// As [`RunningGate::start`].
    pub fn start_forwarding(config: &Config) -> Result<RunningBare, ProxyError> {
        pass_through(config, Some(TrustedProxies::new(config.gate.trusted_proxies().to_vec())))
    }

    /// Where clients connect.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where `/healthz` and `/metrics` are.
    pub fn admin_addr(&self) -> SocketAddr {
        self.admin_addr
    }

    /// The engine that decides.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Reads configuration and model again. See [`crate::reload`].
    ///
    /// # Errors
    /// Why it was refused; what was in force stays in force.
    pub fn reload(&self) -> Result<Reloaded, ReloadError> {
        self.reloader.reload()
    }

    /// Stops accepting, lets requests in flight finish, writes out the event log, ends every
    /// thread. Blocks.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let Some((front, back)) = self.serving.take() else {
            return;
        };
        let grace = self.grace;
        // On a thread of its own, because a runtime cannot be shut down from within another one.
        let stopping = std::thread::spawn(move || {
            let cut_off = front.stop(grace);
            if cut_off > 0 {
                tracing::warn!(
                    connections = cut_off,
                    "the grace is over, connections were cut off"
                );
            }
            back.stop(ADMIN_GRACE);
        });
        if stopping.join().is_err() {
            tracing::error!("stopping the listeners panicked");
        }
        // Last, when nobody is left who could add a line.
        self.engine.stop();
    }
}

impl Drop for RunningGate {
    fn drop(&mut self) {
        self.end();
    }
}

/// A pass-through that is serving.
pub struct RunningBare(Serving);

impl RunningBare {
    /// Where clients connect.
    pub fn addr(&self) -> SocketAddr {
        self.0.addr()
    }

    /// Stops it. Blocks; not from within a runtime.
    pub fn stop(self) {
        self.0.stop(Duration::ZERO);
    }
}

fn bind(address: SocketAddr) -> Result<Bound, ProxyError> {
    Bound::bind(address).map_err(|problem| ProxyError::Listen { address, problem })
}

fn pass_through(
    config: &Config,
    trusted: Option<TrustedProxies>,
) -> Result<RunningBare, ProxyError> {
    let upstream = Arc::new(upstream(config)?);
    let bound = bind(config.door.listen)?;
    let app = app(Bare { upstream, timeouts: config.door.timeouts, trusted }, config);
    bound
        .serve("kidoban-bare", config.door.threads, app)
        .map(RunningBare)
        .map_err(ProxyError::Threads)
}

fn upstream(config: &Config) -> Result<Upstream, ProxyError> {
    let url = config.door.upstream.clone();
    let named = url.to_string();
    Upstream::new(url, config.door.timeouts)
        .map_err(|problem| ProxyError::Upstream { url: named, problem })
}

fn app<P: ProxyHttp>(proxy: P, config: &Config) -> HttpProxy<P> {
    let conf = ServerConf {
        threads: config.door.threads,
        upstream_keepalive_pool_size: UPSTREAM_POOL,
        max_retries: TRIES_MAX,
        ..ServerConf::default()
    };
    let mut app = pingora::proxy::http_proxy(&Arc::new(conf), proxy);
    let mut options = HttpServerOptions::default();
    options.h2c = config.door.h2c;
    // Pingora's default is never.
    options.h2_idle_timeout = Some(config.door.timeouts.idle);
    app.server_options = Some(options);
    app
}

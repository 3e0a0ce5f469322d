//! Start and stop: a gate as a value.
//!
//! [`run`] is what the binary calls: a gate until SIGTERM. [`RunningGate`] is the same gate for
//! whoever wants to hold it: tests, the demo, benches. Everything that can fail, fails in `start`,
//! before the first client is accepted.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use detector::{Detector, Settings};
use pingora::apps::HttpServerOptions;
use pingora::proxy::{HttpProxy, ProxyHttp};
use pingora::server::configuration::ServerConf;
use tokio::signal::unix::{SignalKind, signal};

use crate::admin::Admin;
use crate::bare::Bare;
use crate::config::{Config, ConfigError, Place, Timeouts, no_upstream, tuned};
use crate::decision::random;
use crate::gate::{Gate, TRIES_MAX};
use crate::identity::TrustedProxies;
use crate::keeper::{Keeper, Live};
use crate::listener::{Bound, Serving};
use crate::metrics::Metrics;
use crate::record::Recorder;
use crate::reload::{JudgeError, ReloadError, Reloaded, Reloader, judge, refuse_unarmed};
use crate::timer;
use crate::upstream::Upstream;

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
    /// The model or policy.
    #[error(transparent)]
    Judge(#[from] JudgeError),
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
    /// The event log.
    #[error(
        "cannot write the event log {path}: {problem}. Its folder must exist and belong to the \
            gate's user."
    )]
    EventLog {
        /// Which file.
        path: String,
        /// What the system said.
        problem: io::Error,
    },
    /// Threads.
    #[error(
        "cannot start a thread: {0}. See the limits of the gate's user (ulimit -u) or container."
    )]
    Threads(io::Error),
    /// Signals.
    #[error("cannot listen for signals: {0}")]
    Signals(io::Error),
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
    keeper: Arc<Keeper>,
    reloader: Arc<Reloader>,
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
        for warning in config.warnings() {
            tracing::warn!("{warning}");
        }
        let judge = judge(&config)?;
        refuse_unarmed(&config, judge.model.as_ref())?;
        for warning in tuned::warnings(&config, judge.model.as_ref()) {
            tracing::warn!("{warning}");
        }
        let upstream = Arc::new(upstream(&config)?);
        let front = bind(config.listen)?;
        let back = bind(config.admin)?;
        let metrics = Arc::new(Metrics::new());
        metrics.model(judge.model.as_ref());
        metrics.budgets(tuned::budgets(&config, judge.model.as_ref()));
        let recorder = recorder(&config, &metrics)?;
        let detector = Arc::new(Detector::new(
            Settings { capacity: config.capacity, hash_key: random() },
            judge,
        ));
        let live = Live {
            mode: config.mode,
            trusted: TrustedProxies::new(config.trusted_proxies.clone()),
            outcomes: metrics.outcomes(config.outcomes()),
        };
        let keeper = Arc::new(Keeper::new(detector, metrics, recorder, live));

        let gate = Gate {
            keeper: Arc::clone(&keeper),
            upstream: Arc::clone(&upstream),
            timeouts: config.timeouts,
            body_bytes_max: config.body_bytes_max,
            complained_s: AtomicI64::new(0),
        };
        let (addr, admin_addr) = (front.addr(), back.addr());
        let app = app(gate, &config);
        let front =
            front.serve("kidoban-gate", config.threads, app).map_err(ProxyError::Threads)?;
        let back = back
            .serve("kidoban-admin", ADMIN_THREADS, Admin { keeper: Arc::clone(&keeper) })
            .map_err(ProxyError::Threads)?;
        back.spawn(|shutdown| timer::run(Arc::clone(&keeper), upstream, shutdown));
        let (listen, mode) = (front.addr(), config.mode);
        tracing::info!(%listen, admin = %back.addr(), upstream = config.upstream().unwrap_or_default(), %mode, "the gate is open");
        let grace = config.timeouts.stop_grace;
        let reloader = Arc::new(Reloader {
            keeper: Arc::clone(&keeper),
            current: parking_lot::Mutex::new(config),
        });
        Ok(Self { keeper, reloader, grace, addr, admin_addr, serving: Some((front, back)) })
    }

    /// A pass-through that judges nobody, to measure the gate against.
    ///
    /// # Errors
    /// As [`RunningGate::start`].
    pub fn start_bare(config: &Config) -> Result<RunningBare, ProxyError> {
        pass_through(config, None)
    }

    /// The same, telling the shop who asks: what any proxy in front of it costs.
    ///
    /// # Errors
    /// As [`RunningGate::start`].
    pub fn start_forwarding(config: &Config) -> Result<RunningBare, ProxyError> {
        pass_through(config, Some(TrustedProxies::new(config.trusted_proxies.clone())))
    }

    /// Where clients connect.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where `/healthz` and `/metrics` are.
    pub fn admin_addr(&self) -> SocketAddr {
        self.admin_addr
    }

    /// The detector that judges.
    pub fn detector(&self) -> Arc<Detector> {
        Arc::clone(&self.keeper.detector)
    }

    /// What `/metrics` would answer now.
    pub fn metrics_text(&self) -> String {
        self.keeper.render_metrics()
    }

    /// Waits until every line recorded so far is in the event log's file.
    pub fn flush_event_log(&self) {
        if let Some(recorder) = &self.keeper.recorder {
            recorder.flush();
        }
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
        if let Some(recorder) = &self.keeper.recorder {
            recorder.stop();
        }
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

/// A gate until SIGTERM or SIGINT; SIGHUP reloads. Blocks.
///
/// # Errors
/// When it cannot start. A gate that was told to stop is no error.
pub fn run(config: Config) -> Result<(), ProxyError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(ProxyError::Signals)?;
    // Within the runtime, but not blocking in it: the gate brings its own threads.
    let entered = runtime.enter();
    let mut terminate = signal(SignalKind::terminate()).map_err(ProxyError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(ProxyError::Signals)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(ProxyError::Signals)?;
    drop(entered);
    let gate = RunningGate::start(config)?;
    loop {
        let stop = runtime.block_on(async {
            tokio::select! {
                _ = terminate.recv() => true,
                _ = interrupt.recv() => true,
                _ = hangup.recv() => false,
            }
        });
        if stop {
            break;
        }
        // Logged and counted there; a bad one changes nothing.
        let _ = gate.reload();
    }
    tracing::info!("stopping");
    gate.stop();
    tracing::info!("stopped");
    Ok(())
}

fn bind(address: SocketAddr) -> Result<Bound, ProxyError> {
    Bound::bind(address).map_err(|problem| ProxyError::Listen { address, problem })
}

fn pass_through(
    config: &Config,
    trusted: Option<TrustedProxies>,
) -> Result<RunningBare, ProxyError> {
    let upstream = Arc::new(upstream(config)?);
    let bound = bind(config.listen)?;
    let app = app(Bare { upstream, timeouts: config.timeouts, trusted }, config);
    bound.serve("kidoban-bare", config.threads, app).map(RunningBare).map_err(ProxyError::Threads)
}

fn upstream(config: &Config) -> Result<Upstream, ProxyError> {
    let timeouts: Timeouts = config.timeouts;
    let url = config.upstream.clone().ok_or_else(|| no_upstream(Place::Flag("--upstream")))?;
    let named = url.to_string();
    Upstream::new(url, timeouts).map_err(|problem| ProxyError::Upstream { url: named, problem })
}

fn recorder(config: &Config, metrics: &Metrics) -> Result<Option<Recorder>, ProxyError> {
    let Some(log) = &config.event_log else {
        return Ok(None);
    };
    Recorder::start(log, metrics.log_dropped.clone(), metrics.log_errors.clone())
        .map(Some)
        .map_err(|problem| ProxyError::EventLog { path: log.path.display().to_string(), problem })
}

fn app<P: ProxyHttp>(proxy: P, config: &Config) -> HttpProxy<P> {
    let conf = ServerConf {
        threads: config.threads,
        upstream_keepalive_pool_size: UPSTREAM_POOL,
        max_retries: TRIES_MAX,
        ..ServerConf::default()
    };
    let mut app = pingora::proxy::http_proxy(&Arc::new(conf), proxy);
    let mut options = HttpServerOptions::default();
    options.h2c = config.h2c;
    // Pingora's default is never.
    options.h2_idle_timeout = Some(config.timeouts.idle);
    app.server_options = Some(options);
    app
}

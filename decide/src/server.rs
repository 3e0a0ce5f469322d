//! Start and stop: a decision service as a value.
//!
//! Everything that can fail, fails in [`RunningService::start`], before the first question is
//! answered.

use std::hash::RandomState;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use gate::identity::TrustedProxies;
use gate::metrics::EdgeOutcome;
use gate::{ConfigError, Engine, ReloadError, Reloaded, StartError};
use parking_lot::Mutex;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::admin::Admin;
use crate::answer::Answers;
use crate::awaited::Awaited;
use crate::config::{Address, Config};
use crate::export::pages::Pages;
use crate::export::{Exports, Shared};
use crate::http_server::serve;
use crate::listen::{Listener, Mailbox};
use crate::outcomes::Outcomes;
use crate::threads::{Stop, Threads};

/// Bans have a resolution of seconds.
const TICK: Duration = Duration::from_secs(1);

/// Why a service did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] StartError),
    /// A socket.
    #[error("cannot listen on {address}: {}", listen_problem(problem))]
    Listen {
        /// Where.
        address: Address,
        /// What the system said.
        problem: io::Error,
    },
    /// An export.
    #[error("cannot export bans: {0}")]
    Export(io::Error),
    /// Threads.
    #[error("cannot start a thread: {0}. See the limits of the service's user (ulimit -u).")]
    Threads(io::Error),
}

fn listen_problem(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "somebody listens there already. Stop it, or choose another with --listen.".to_owned()
        }
        io::ErrorKind::NotFound => {
            "its folder is missing. Create it, or let systemd do it: RuntimeDirectory=kidoban."
                .to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            "permission denied. The folder must belong to the service's user.".to_owned()
        }
        _ => error.to_string(),
    }
}

/// A service that is answering. Stops when dropped.
pub struct RunningService {
    engine: Arc<Engine>,
    started: Mutex<Config>,
    addresses: Vec<Address>,
    admin: Address,
    outcomes: Option<Address>,
    exports: Option<Address>,
    exporting: Option<Arc<Shared>>,
    // In the order in which they end: questions first, then outcomes, the operator's page last.
    threads: Option<(Threads, Option<Outcomes>, Option<Exports>, Threads)>,
}

impl RunningService {
    /// Binds, loads, opens; then answers.
    ///
    /// # Errors
    /// What is wrong and what to do about it. Nothing is left running.
    pub fn start(config: Config) -> Result<Self, ServiceError> {
        let door = config.door.clone();
        let bind =
            |address: &Address| listen(address, || Listener::bind(address, door.socket_mode));
        let listeners = door.listen.iter().map(bind).collect::<Result<Vec<_>, _>>()?;
        let bound = door.listen.iter().zip(&listeners);
        let address = |(asked, bound): (&Address, &Listener)| listen(asked, || bound.address());
        let addresses = bound.map(address).collect::<Result<Vec<_>, _>>()?;
        let operators_at = Address::Ip(config.gate.admin());
        let operators = bind(&operators_at)?;
        let admin = address((&operators_at, &operators))?;
        let mailbox = match &door.outcomes {
            Some(at) => Some(listen(at, || Mailbox::bind(at, door.socket_mode))?),
            None => None,
        };
        let reading = match door.export.as_ref().and_then(|export| export.listen) {
            Some(at) => Some(bind(&Address::Ip(at))?),
            None => None,
        };
        let exports = reading.as_ref().and_then(|listener| listener.address().ok());
        let outcomes = mailbox.as_ref().and_then(|mailbox| mailbox.address().ok());
        let engine = Arc::new(Engine::start(config.gate.clone())?);
        let awaited = Arc::new(Awaited::default());
        let answers = Arc::new(Answers {
            engine: Arc::clone(&engine),
            awaited: Arc::clone(&awaited),
            names: door.names.clone(),
            wait: mailbox.as_ref().map(|_| door.wait),
            hasher: RandomState::new(),
            has_warned: AtomicBool::new(false),
        });
        let exporting = door.export.as_ref().map(|export| {
            let trusted = TrustedProxies::new(config.gate.trusted_proxies().to_vec());
            Arc::new(Shared::new(Arc::clone(&engine), export.bounds, trusted))
        });
        let export = match (&door.export, &exporting) {
            (Some(export), Some(shared)) => {
                let started = Exports::start(export, Arc::clone(shared));
                Some(started.map_err(ServiceError::Export)?)
            }
            _ => None,
        };
        let pages = exporting.as_ref().map(|shared| {
            let key = door.export.as_ref().and_then(|export| export.api_key.clone());
            Arc::new(Pages::new(Arc::clone(shared), key))
        });
        let back = {
            let (engine, awaited) = (Arc::clone(&engine), Arc::clone(&awaited));
            Threads::start("kidoban-admin", 1, move |stop| async move {
                let admin = Arc::new(Admin(Arc::clone(&engine)));
                let operators = serve(operators, admin, None, stop.clone());
                let lists = async {
                    if let (Some(listener), Some(pages)) = (reading, pages) {
                        serve(listener, pages, None, stop.clone()).await;
                    }
                };
                tokio::join!(operators, lists, upkeep(engine, awaited, stop.clone()));
            })
        };
        let back = back.map_err(ServiceError::Threads)?;
        let take_in = |mailbox| {
            Outcomes::start(mailbox, door.peers(), Arc::clone(&engine), Arc::clone(&awaited))
        };
        let lines = mailbox.map(take_in).transpose().map_err(ServiceError::Threads)?;
        let peers = door.peers();
        let front = Threads::start("kidoban-decide", door.threads, move |stop| async move {
            let mut accepting = JoinSet::new();
            for listener in listeners {
                let peers = Some(peers.clone());
                accepting.spawn(serve(listener, Arc::clone(&answers), peers, stop.clone()));
            }
            while accepting.join_next().await.is_some() {}
        });
        let front = front.map_err(ServiceError::Threads)?;
        let listen: Vec<String> = addresses.iter().map(Address::to_string).collect();
        let mode = config.gate.mode();
        tracing::info!(listen = listen.join(" "), %admin, %mode, "answering edges");
        let threads = Some((front, lines, export, back));
        Ok(Self {
            engine,
            started: config.into(),
            addresses,
            admin,
            outcomes,
            exports,
            exporting,
            threads,
        })
    }

    /// Where edges ask.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// Where `/healthz` and `/metrics` are.
    pub fn admin(&self) -> &Address {
        &self.admin
    }

    /// Where outcomes arrive, if they do.
    pub fn outcomes(&self) -> Option<&Address> {
        self.outcomes.as_ref()
    }

    /// Where bans are read, if they are.
    pub fn exports(&self) -> Option<&Address> {
        self.exports.as_ref()
    }

    /// The engine that decides.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Reads configuration and model again, and puts in force what a running service can change.
    ///
    /// # Errors
    /// Why it was refused; what was in force stays in force.
    pub fn reload(&self) -> Result<Reloaded, ReloadError> {
        let started = self.started.lock();
        self.engine.reload_by(|| {
            let next = started.reread()?;
            let mut needs_restart = started.door.needs_restart(&next.door);
            let trusted = TrustedProxies::new(next.gate.trusted_proxies().to_vec());
            let mut reloaded = self.engine.reload(next.gate)?;
            if let Some(exporting) = &self.exporting {
                exporting.reload(trusted);
            }
            needs_restart.append(&mut reloaded.needs_restart);
            Ok(Reloaded { needs_restart, ..reloaded })
        })
    }

    /// Answers what was asked, takes in no more, writes out the event log, ends every thread.
    /// Blocks.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let Some(threads) = self.threads.take() else { return };
        drop(threads);
        // Last, when nobody is left who could add a line.
        self.engine.stop();
    }
}

impl Drop for RunningService {
    fn drop(&mut self) {
        self.end();
    }
}

fn listen<T>(address: &Address, bind: impl FnOnce() -> io::Result<T>) -> Result<T, ServiceError> {
    bind().map_err(|problem| ServiceError::Listen { address: address.clone(), problem })
}

/// The only background work: the engine's, and giving up outcomes that do not come.
async fn upkeep(engine: Arc<Engine>, awaited: Arc<Awaited>, mut stop: Stop) {
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            _ = stop.changed() => return,
        }
        engine.tick();
        engine.metrics().edge.ended(EdgeOutcome::Lost, awaited.expire(Instant::now()));
    }
}

//! The formats that a log can be in, and their names for people.

use std::fmt;

/// The format of a log's lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// nginx and Apache `combined`. An empty log counts as this.
    Combined,
    /// nginx and Apache `common`: `combined` without referer and user agent.
    Common,
    /// `combined` or `common` after the virtual host: `host[:port] `.
    VhostCombined,
    /// One JSON object a line, whoever wrote it.
    NginxJson,
    /// Labels and values with tabs between.
    Ltsv,
    /// Columns that a line `#Fields:` names: Amazon CloudFront, Microsoft IIS.
    W3c,
    /// AWS classic load balancer.
    ElbClassic,
    /// AWS application load balancer.
    Alb,
    /// Columns that were found by a survey of the lines, or given.
    Columns,
    /// Our own event log.
    EventLog,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Combined => "combined",
            Self::Common => "common",
            Self::VhostCombined => "vhost combined",
            Self::NginxJson => "JSON",
            Self::Ltsv => "LTSV",
            Self::W3c => "W3C extended",
            Self::ElbClassic => "AWS classic ELB",
            Self::Alb => "AWS ALB",
            Self::Columns => "columns",
            Self::EventLog => "kidoban event log",
        })
    }
}

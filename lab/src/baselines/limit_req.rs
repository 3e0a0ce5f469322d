//! nginx `limit_req zone=one rate=10r/s` with `burst=20 nodelay`: a leaky bucket over all requests
//! of an address.
//!
//! It counts as `ngx_http_limit_req_module.c` does. The excess falls by the rate and rises by one
//! with each request. A request that would lift it above the burst is refused and does not raise
//! it. A first request has no excess, so 21 pass at once. Rate and burst are those of the module's
//! documentation and of most guides. The rule bans nobody.

use std::collections::HashMap;

use analysis::baseline::{Baseline, BaselineAction, BaselineRequest};
use detector::Timestamp;

const RATE_PER_S: f64 = 10.0;
const BURST: f64 = 20.0;

/// The rule: a leaky bucket for each client.
#[derive(Clone, Debug, Default)]
pub struct LimitReq(HashMap<u32, (Timestamp, f64)>);

impl Baseline for LimitReq {
    fn name(&self) -> &'static str {
        "limit_req_10rs_burst_20"
    }

    fn observe(&mut self, request: &BaselineRequest<'_>) -> BaselineAction {
        let Some((last, excess)) = self.0.get_mut(&request.client) else {
            self.0.insert(request.client, (request.at, 0.0));
            return BaselineAction::Passed;
        };
        let seconds = request.at.micros_since(*last) as f64 / 1e6;
        let next = (*excess - RATE_PER_S * seconds + 1.0).max(0.0);
        if next > BURST {
            return BaselineAction::Refused; // neither time nor excess is noted
        }
        (*last, *excess) = (request.at.max(*last), next);
        BaselineAction::Passed
    }
}

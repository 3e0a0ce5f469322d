use crate::support::model;
use std::sync::Arc;
use detector::*;
use traffic::sim::{self,*};
#[test]
fn explore() {
    let t = std::time::Instant::now();
    let site = Arc::new(Site::new(1));
    let file = model::trained_on_a_day(&site);
    println!("trained in {:?}; limit {:?} block {:?}", t.elapsed(), file.thresholds.limit, file.thresholds.block);
    println!("{:?}", file.card.metrics);
}

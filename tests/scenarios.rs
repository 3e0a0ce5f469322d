use crate::support::model;
use std::sync::Arc;
use ::detector::*;
use traffic::sim::{*};

struct Fate { n: usize, limited: usize, blocked: usize, first: Option<usize>, high: f32 }
fn run(d: &Detector, client: ClientKey, reqs: &[(Timestamp, &'static str, String, u16)]) -> Fate {
    let mut f = Fate{n:0,limited:0,blocked:0,first:None,high:-99.0};
    for (at, m, t, s) in reqs {
        f.n += 1;
        let v = d.observe(&d.event(&Request{client, at:*at, method:m, target:t, fetch_dest:None, recorded:None}));
        if let Some(s)=v.score { f.high = f.high.max(s.margin()); }
        match v.action { Action::Allow => { d.conclude(&Outcome{client, at:at.plus_micros(20_000), status:*s}); }, Action::Limit => f.limited+=1, Action::Block => f.blocked+=1 }
        if v.action != Action::Allow && f.first.is_none() { f.first = Some(f.n); }
    }
    f
}
fn show(name:&str, f: Fate) { println!("{name}: n {} limited {} blocked {} first {:?} high {:.2}", f.n, f.limited, f.blocked, f.first, f.high); }
#[test]
fn explore() {
    let t = std::time::Instant::now();
    let site = Arc::new(Site::new(1));
    let file = model::trained_on_a_day(&site);
    println!("trained in {:?}; limit {:?} block {:?}", t.elapsed(), file.thresholds.limit, file.thresholds.block);
    println!("{:?}", file.card.metrics);
    let limit = file.thresholds.limit.margin.unwrap();
    let m = model::parse(&file);
    let j = model::judge(m, Score::from_margin(limit).value(), Score::from_margin(limit+1.0).value());
    let d = model::detector(100_000, j);
    let ip = |s:&str| ClientKey::from_text(s);
    let mut dice = Dice::new(4);
    let day = model::DAY;
    // 60 s poller
    let mut at = day; let mut v=vec![];
    for i in 0..100 { v.push((at,"GET", if i==50 {"/p/2".to_owned()} else {"/p/1".to_owned()},200)); at = at.plus_micros((60e6*(1.0+0.01*dice.normal())) as u64); }
    show("poller60", run(&d, ip("192.0.2.1"), &v));
    for gap in [0.3,1.0,2.0,5.0,10.0] {
    let mut at = day; let mut v=vec![];
    for i in 0..660u32 { let t = if i%55==54 { format!("/img/p/{}-1.jpg", i) } else if i%110==10 && i>100 { format!("/p/{}", i-1) } else { format!("/p/{i}") }; v.push((at,"GET",t,200)); at = at.plus_micros((gap*1e6*dice.between(0.7,1.3)) as u64); }
    show(&format!("catalogue {gap}"), run(&d, ip(&format!("192.0.2.{}", 10+(gap*10.0) as u32)), &v));
    }
    for st in [200,401,403,404] {
    let mut at = day; let mut v=vec![];
    for _ in 0..160 { v.push((at,"POST","/xmlrpc.php".to_owned(),st)); at = at.plus_micros((522e6*(1.0+0.002*dice.normal())) as u64); }
    show(&format!("xmlrpc {st}"), run(&d, ip(&format!("192.0.3.{st}").replace("200","20").replace("40","4")), &v));
    }
    let mut at = day; let mut v=vec![];
    for _ in 0..200 { v.push((at,"POST",format!("/wp-cron.php?doing_wp_cron={}", at.as_micros()),200)); at = at.plus_micros((60e6*dice.between(1.0,1.4)) as u64); }
    show("wpcron", run(&d, ip("192.0.2.9"), &v));
    // prefetch
    for seed in 0..10u64 {
    let mut dice = Dice::new(seed);
    let mut at = day; let mut v=vec![]; let mut id=0;
    for _ in 0..15 {
        v.push((at,"GET",format!("/c/shelf?page={id}"),200));
        let mut a2 = at.plus_micros(300_000);
        for _ in 0..12 { id+=1; v.push((a2,"GET",format!("/p/{id}"),200)); a2 = a2.plus_micros((dice.exponential(0.015)*1e6) as u64+1); }
        let k = id - dice.below(12) as u32;
        let read = dice.lognormal(5.0,0.9);
        v.push((a2.plus_micros((read*1e6) as u64),"GET",format!("/p/{k}"),200));
        at = a2.plus_micros(((read+1.0+dice.lognormal(9.0,0.9))*1e6) as u64);
    }
    show("prefetch", run(&d, ip(&format!("192.0.4.{seed}")), &v));
    }
    // people
    for (seed, mix, span) in [(77u64, Mix::new().with(Population::GalleryShopper, 300).with(Population::Shopper, 1000), model::DAY_US), (78, Mix::new().with(Population::Shopper, 3000).with(Population::GalleryShopper, 400), 1_200_000_000u64)] {
        let d = model::detector(100_000, (*d.judge()).clone());
        let reqs = simulate(&site, seed, day.plus_secs(86400), &mix, span);
        let mut hurt = std::collections::HashMap::new();
        let mut blk = 0; let mut lim=0;
        for r in &reqs { let client = ClientKey::from_ip(r.client);
            let v = d.observe(&d.event(&Request{client, at:r.at, method:r.method, target:&r.target, fetch_dest:None, recorded:None}));
            match v.action { Action::Allow => { d.conclude(&Outcome{client, at:r.completed_at(), status:r.status}); }, a => { hurt.insert(client, r.population); if a==Action::Block {blk+=1} else {lim+=1}} } }
        println!("people: {} requests, hurt {:?} limited {lim} blocked {blk}", reqs.len(), hurt.values().collect::<Vec<_>>());
    }
    // nat
    let d2 = model::detector(100_000, (*d.judge()).clone());
    let reqs = simulate(&site, 79, day, &Mix::new().with(Population::Shopper, 500), 3_600_000_000*8);
    let v: Vec<_> = reqs.iter().map(|r| (r.at, r.method, r.target.clone(), r.status)).collect();
    show("nat500", run(&d2, ip("192.0.2.77"), &v));
    for p in Population::ALL { for seed in 0..3 {
        let mut at = day; let mut v = vec![];
        for s in Visit::new(p, &site, 900+seed, Tempo::Live).take(300) { at = at.plus_micros(s.wait_us); let st = site.respond(s.method,&s.target,s.form.as_deref()).status; v.push((at, s.method, s.target, st)); }
        show(&format!("live {p}"), run(&d2, ip(&format!("{p}{seed}")), &v));
    }}
    println!("all in {:?}", t.elapsed());
}

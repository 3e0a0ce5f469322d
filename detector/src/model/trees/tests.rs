use super::*;

fn stump(feature: u16, missing_left: bool) -> Vec<Node> {
    let flag = if missing_left { Node::MISSING_LEFT } else { 0 };
    vec![
        Node { threshold: 0.5, value: 0.25, feature: feature | flag, left: 1, right: 2 },
        Node::leaf(-1.0),
        Node::leaf(2.0),
    ]
}

fn with(feature: usize, value: f32) -> Features {
    let mut features = Features([f32::NAN; COUNT]);
    features.0[feature] = value;
    features
}

#[test]
fn values_go_left_up_to_the_threshold_and_missing_where_the_node_says() {
    let check = |missing_left, value, expect| {
        let trees = Trees::new(0.0, vec![0], stump(1, missing_left)).unwrap();
        assert_eq!(trees.margin(&with(1, value)), expect);
    };
    check(true, 0.5, -1.0);
    check(true, 0.6, 2.0);
    check(true, f32::NAN, -1.0);
    check(false, f32::NAN, 2.0);
}

#[test]
fn contributions_add_up_to_the_margin() {
    let trees = Trees::new(0.5, vec![0], stump(1, true)).unwrap();
    let features = with(1, 0.9);
    let parts = trees.contributions(&features);
    assert_eq!(parts.by_feature[1], 1.75);
    assert_eq!(parts.sum(), trees.margin(&features));
}

/// A forest of random shape, and rows in which everything may be missing.
#[test]
fn the_walk_ends_where_the_nodes_say() {
    let mut state = 7_u64;
    let mut dice = move |sides: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % sides
    };
    let mut layouts = [0, 0];
    for (trees, leaves_max) in
        [0, 1, 7, 8, 9, 30, 200].into_iter().flat_map(|trees| [(trees, 8), (trees, 40)])
    {
        let (mut roots, mut nodes) = (Vec::new(), Vec::new());
        for _ in 0..trees {
            roots.push(nodes.len() as u16);
            let mut leaves = 1;
            let mut open = vec![nodes.len()];
            nodes.push(Node::leaf(0.0));
            while let Some(index) = open.pop() {
                nodes[index] = Node::leaf(dice(2_049) as f32 / 1_024.0 - 1.0);
                if leaves < leaves_max && dice(10) < 6 {
                    leaves += 1;
                    let flag = if dice(2) == 0 { Node::MISSING_LEFT } else { 0 };
                    let (left, right) = (nodes.len() as u16, nodes.len() as u16 + 1);
                    let feature = dice(16) as u16 | flag;
                    nodes[index] =
                        Node { threshold: dice(10) as f32, value: 0.0, feature, left, right };
                    nodes.extend([Node::leaf(0.0); 2]);
                    open.extend([usize::from(left), usize::from(right)]);
                }
            }
        }
        let forest = Trees::new(0.5, roots.clone(), nodes.clone()).unwrap();
        let walked = WalkedForest::new(&roots, &nodes).unwrap();
        layouts[usize::from(matches!(forest.layout, SumLayout::Walked(_)))] += 1;
        for _ in 0..200 {
            let features = Features(std::array::from_fn(|_| match dice(12) {
                0..3 => f32::NAN,
                3 => f32::INFINITY,
                4 => f32::NEG_INFINITY,
                _ => dice(10) as f32,
            }));
            let mut sum = 0.5;
            for &root in &roots {
                let mut node = &nodes[usize::from(root)];
                while !node.is_leaf() {
                    node = &nodes[usize::from(next(node, &features))];
                }
                sum += f64::from(node.value);
            }
            assert_eq!(forest.margin(&features), sum as f32);
            assert_eq!(forest.margin(&features), (0.5 + walked.sum(&features)) as f32);
        }
    }
    assert!(layouts.iter().all(|&forests| forests > 3), "both layouts are seen: {layouts:?}");
}

/// Leaves whose sum depends on the order, so that it is the same order.
#[test]
fn both_layouts_round_alike() {
    let mut state = 3_u64;
    let mut dice = move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f32::from_bits((state >> 34) as u32 % 0x4000_0000 + 0x2000_0000)
    };
    let (mut roots, mut nodes) = (Vec::new(), Vec::new());
    for tree in 0..90_u16 {
        let at = nodes.len() as u16;
        roots.push(at);
        let inner =
            |left| Node { threshold: 0.5, value: 0.0, feature: tree % 7, left, right: left + 1 };
        if tree % 3 == 0 {
            nodes.extend([inner(at + 1), Node::leaf(dice()), Node::leaf(dice())]);
        } else {
            nodes.extend([
                inner(at + 1),
                inner(at + 3),
                Node::leaf(dice()),
                Node::leaf(dice()),
                Node::leaf(dice()),
            ]);
        }
    }
    let (intervals, walked) =
        (IntervalForest::new(&roots, &nodes).unwrap(), WalkedForest::new(&roots, &nodes).unwrap());
    for row in 0..128_u32 {
        let features = Features(std::array::from_fn(|i| (row >> (i % 7) & 1) as f32));
        assert_eq!(intervals.sum(&features).to_bits(), walked.sum(&features).to_bits());
    }
}

#[test]
fn a_forest_that_could_loop_or_leave_its_bounds_is_refused() {
    let refuse = |change: fn(&mut Vec<Node>), expect: &str| {
        let mut nodes = stump(1, true);
        change(&mut nodes);
        let error = Trees::new(0.0, vec![0], nodes).unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
    };
    refuse(|nodes| nodes[0].left = 0, "does not stand after it");
    refuse(|nodes| nodes[0].right = 3, "does not stand after it");
    refuse(|nodes| nodes[0].feature = 99, "feature 99");
    refuse(
        |nodes| nodes[0].feature = crate::features::index_of("depth_mean").unwrap() as u16,
        "may not be scored",
    );
    refuse(|nodes| nodes[0].threshold = f32::NAN, "not finite");
    refuse(|nodes| nodes.clear(), "1 trees of 0 nodes");
    refuse(
        |nodes| {
            let inner = |index: u16| Node {
                threshold: 0.5,
                value: 0.0,
                feature: 1,
                left: index + 1,
                right: index + 1,
            };
            *nodes = vec![inner(0), inner(1), Node::leaf(1.0)];
        },
        "share nodes",
    );
    refuse(
        |nodes| {
            let inner = |index: u16| Node {
                threshold: 0.5,
                value: 0.0,
                feature: 1,
                left: index + 1,
                right: index + 1,
            };
            *nodes = (0..30_000).map(inner).chain([Node::leaf(0.0)]).collect();
        },
        "deeper than 64",
    );
}

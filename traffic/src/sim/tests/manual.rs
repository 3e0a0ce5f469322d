//! The manual describes the populations with their own texts.

use crate::sim::Population;

#[test]
fn the_manual_s_table_is_up_to_date() {
    let manual = include_str!("../../../../docs/benchmark.md");
    let row = |population: &Population| {
        format!("| `{population}` | {} | {} |", population.truth().label(), population.reasoning())
    };
    let table: Vec<String> = Population::OF_THE_BENCHMARK.iter().map(row).collect();
    let written: Vec<&str> = manual
        .lines()
        .filter(|line| line.starts_with("| `") && line.contains("Expected: "))
        .collect();
    assert!(written == table, "docs/benchmark.md should have:\n{}", table.join("\n"));
}

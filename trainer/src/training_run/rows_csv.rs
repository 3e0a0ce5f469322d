//! The training rows as CSV, for comparisons with other learners.

use std::io;

use detector::features::FEATURES;

use super::TrainingRun;
use crate::samples::Sample;

impl TrainingRun<'_> {
    /// Writes the rows with the features that a model of these sites sees. `margins` are out of
    /// fold.
    pub fn write_rows(
        &self,
        samples: &[Sample],
        margins: &[f32],
        out: &mut dyn io::Write,
    ) -> io::Result<()> {
        let rows = self.rows(samples);
        let names: Vec<&str> = FEATURES.iter().map(|feature| feature.name).collect();
        writeln!(out, "label,weight,client,site,fold,margin,{}", names.join(","))?;
        for (row, (sample, margin)) in samples.iter().zip(margins).enumerate() {
            let (label, weight) =
                (u8::from(sample.bad), rows.weights().map_or(1.0, |weights| weights[row]));
            let (site, client) = (sample.site, sample.client);
            write!(out, "{label},{weight},{client},{site},{},{margin}", self.fold(site, client))?;
            for value in rows.records.row(row) {
                // An empty field is a missing value.
                if value.is_nan() { write!(out, ",")? } else { write!(out, ",{value}")? }
            }
            writeln!(out)?;
        }
        Ok(())
    }
}

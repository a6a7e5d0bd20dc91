//! The trained weights are those of every earlier version, bit for bit, on any machine.

use serde_json::Value;

use super::Desk;
use super::support::real_images_folder;

/// The first eight digits of each run's `weights_sha256`.
fn weights(record: &Value) -> Vec<&str> {
    let runs = record["runs"].as_array().map_or(std::slice::from_ref(record), Vec::as_slice);
    runs.iter().map(|run| &run["weights_sha256"].as_str().unwrap()[..8]).collect()
}

#[test]
fn the_labs_runs_have_their_bits() {
    let Some(folder) = real_images_folder() else { return };
    let desk = Desk::bare();
    let options = format!("--data {folder} --no-report --out");
    let record = desk.json(&format!("reproduce --engine simd {options} simd"));
    assert_eq!(weights(&record), ["d084a3a1", "3b6357c7", "59eec32a", "0a36e08c"]);
    let record = desk.json(&format!("train --engine fixed {options} fixed"));
    assert_eq!(weights(&record), ["1151a3d8"]);
}

#[test]
fn short_runs_on_the_built_in_images_have_their_bits() {
    let desk = Desk::bare();
    for (engine, bits) in [
        ("simd", ["0bbdb00f", "bb462464", "9f633df1", "c417d6ba"]),
        ("fixed", ["74a54dee", "1cd359bc", "bee02890", "7f4950d8"]),
    ] {
        let record = desk.json(&format!("reproduce --engine {engine} --epochs 2 --no-report --out {engine}"));
        assert_eq!(weights(&record), bits, "{engine}");
    }
}

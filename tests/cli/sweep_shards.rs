//! A sweep in shards, merged, is the sweep.

use std::fs;

use onelayer::model::Model;
use serde_json::Value;

use super::Desk;
use super::signals::stop;
use super::sweep::rows;
use super::sweep_survival::result;

const SWEEP: &str =
    "sweep --data data --eta 0.001..0.1:4 --lambda 0,0.1,0.5 --batch 30,50 --epochs 8 --shuffle --quiet";

/// The folders of that many shards.
fn folders(shards: usize) -> String {
    (1..=shards).map(|shard| format!(" s{shard}")).collect()
}

/// Trains every shard, on one thread more than the one before, as far as it comes.
fn train(desk: &Desk, sweep: &str, shards: usize) {
    for shard in 1..=shards {
        desk.run(&format!("{sweep} --shard {shard}/{shards} --threads {shard} --out s{shard} --resume"));
    }
}

#[test]
fn any_number_of_shards_merged_have_the_table_the_winner_and_the_bits_of_the_whole() {
    for halving in ["", "--halving 2"] {
        let desk = Desk::new();
        let sweep = format!("{SWEEP} {halving}");
        desk.run(&format!("{sweep} --out whole"));
        for shards in [1, 2, 3, 7] {
            let mut merges = 0;
            // As often as there are rungs, the merge decides which runs go on.
            while !desk.path("merged").exists() {
                train(&desk, &sweep, shards);
                desk.run(&format!("sweep merge {} --data data --out merged --quiet", folders(shards)));
                merges += 1;
            }
            assert_eq!(merges, if halving.is_empty() { 1 } else { 4 });
            assert!(result(&desk, "merged") == result(&desk, "whole"), "{shards} shards, {halving}");
            let model =
                |folder: &str| Model::load(&desk.path(folder).join("best/model.safetensors")).unwrap();
            assert!(model("merged") == model("whole"));
            let lines = |folder: &str| {
                let mut ids: Vec<String> = desk
                    .read(&format!("{folder}/runs.jsonl"))
                    .lines()
                    .skip(1)
                    .map(|line| line[..25].into())
                    .collect();
                ids.sort();
                ids
            };
            assert_eq!(lines("merged"), lines("whole"), "what every run reached is there");
            // No run is in two shards, and no shard's best is tested.
            let records: Vec<Value> =
                (1..=shards).map(|shard| desk.read_json(&format!("s{shard}/sweep.json"))).collect();
            assert_eq!(records.iter().map(|record| rows(record).len()).sum::<usize>(), 24);
            for (shard, record) in (1..).zip(&records) {
                assert_eq!(record["shard"], format!("{shard}/{shards}"));
                assert!(record["best"].is_null() || record["best"]["test"]["loss"].is_null());
            }
            fs::remove_dir_all(desk.path("merged")).unwrap();
            (1..=shards).for_each(|shard| fs::remove_dir_all(desk.path(&format!("s{shard}"))).unwrap());
        }
    }
}

#[test]
fn what_does_not_make_a_sweep_is_named() {
    let desk = Desk::new();
    train(&desk, SWEEP, 3);
    desk.run(&format!("{} --shard 2/3 --out other", SWEEP.replace("0.1,0.5", "0.1,0.6")));
    desk.run(&format!("{SWEEP} --shard 1/2 --out half"));
    desk.run(&format!("{SWEEP} --out whole"));
    desk.run(&format!("{SWEEP} --shard 2/3 --engine fixed --out fixed"));
    for (folders, line) in [
        ("s1 s3", "s1: expected every shard of this sweep of 3 beside it, found none with shard 2/3"),
        ("s3 s1 s2 s1", "s1: expected each shard once, and 1/3 is in s1, found the same shard"),
        ("s1 other s3", "other: expected lambda 0,0.1,0.5, as in shard 1/3 in s1, found 0,0.1,0.6"),
        ("s1 fixed s3", "fixed: expected engine simd, as in shard 1/3 in s1, found fixed"),
        ("s1 half s3", "half: expected a shard of 3, as in s1, found shard 1/2"),
        ("s1 whole", "whole: expected a shard of a sweep, found a whole sweep"),
        ("s1 nowhere", "nowhere/runs.jsonl: cannot open: No such file or directory (os error 2)"),
        ("data", "data/runs.jsonl: cannot open: No such file or directory (os error 2)"),
    ] {
        assert_eq!(desk.failure(&format!("sweep merge {folders} --data data --out merged"), 1), line);
    }
    // Another machine's data are other data.
    let path = desk.path("data/data_batch_1.bin");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, [&bytes[..5000], &[bytes[5000] ^ 1], &bytes[5001..]].concat()).unwrap();
    let message = desk.failure("sweep merge s1 s2 s3 --data data --out merged", 1);
    assert!(message.starts_with("s1/runs.jsonl: expected the images training images "), "{message}");
    assert!(!desk.path("merged").exists());
    for shard in ["0/3", "4/3", "3", "a/b", "-1/2"] {
        let message = desk.failure(&format!("{SWEEP} --shard {shard}"), 2);
        assert_eq!(message, format!("--shard: expected I/N, shard I of N, counted from 1, found {shard}"));
    }
}

#[test]
fn a_shard_that_was_preempted_is_named_and_goes_on_where_it_was() {
    let desk = Desk::new();
    let sweep = SWEEP.replace("--epochs 8", "--epochs 300");
    desk.run(&format!("{sweep} --out whole"));
    desk.run(&format!("{sweep} --shard 1/2 --out s1"));
    let mut child = desk.spawn(&format!("{sweep} --shard 2/2 --out s2"));
    desk.wait_for("s2/best");
    stop(&mut child, "TERM", 143);
    let message = desk.failure("sweep merge s1 s2 --data data --out merged", 1);
    let expected = "s2: expected the 12 runs of shard 2/2 at their ends, found ";
    assert!(message.starts_with(expected) && message.ends_with("to be resumed"), "{message}");
    desk.run(&format!("{sweep} --shard 2/2 --out s2 --resume"));
    desk.run("sweep merge s2 s1 --data data --out merged");
    assert!(result(&desk, "merged") == result(&desk, "whole"));
}

#[test]
fn shards_that_are_not_at_the_same_rung_are_named() {
    let desk = Desk::new();
    let sweep = format!("{SWEEP} --halving 2");
    let (text, _) = desk.run(&format!("{sweep} --shard 1/2 --out s1"));
    assert!(text.contains("shard 1/2 has come to epoch 1"), "{text}");
    let mut child = desk.spawn(&format!("{} --shard 2/2 --out s2", sweep.replace("--quiet", "")));
    desk.wait_for("s2/runs.jsonl");
    child.kill().unwrap();
    child.wait().unwrap();
    let merge = "sweep merge s1 s2 --data data --out merged";
    let done = desk.done(merge);
    if done.code != Some(0) {
        let line = "s2: expected the runs of shard 2/2 at epoch 1, found some that are not: run it again with the same \
                    options, to be resumed";
        assert_eq!(done.failure(1), line);
    }
    train(&desk, &sweep, 2);
    let (text, _) = desk.run(merge);
    assert!(text.contains("12 of 24 runs go on") || text.contains("6 of 24 runs go on"), "{text}");
}

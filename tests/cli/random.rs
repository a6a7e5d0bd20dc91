//! Command lines that nobody would think of end in success or in a documented error: no panic, no hang.
//!
//! `PROPTEST_CASES` says how many; 200 without it.

use std::fs::{self, File};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use onelayer::data::layout::RECORD;
use proptest::prelude::*;
use proptest::sample::select;

use super::Desk;
use super::support::data_sets::write_noise;

/// A few words of a command line, or none.
type Words = BoxedStrategy<Vec<&'static str>>;

/// The option `name` with any of `values`, which `|` separates, in some of all cases.
fn option(name: &'static str, values: &'static str) -> Words {
    let values: Vec<_> = values.split('|').collect();
    prop::option::weighted(0.3, select(values))
        .prop_map(move |value| value.map_or(vec![], |value| vec![name, value]))
        .boxed()
}

fn flag(name: &'static str, probability: f64) -> Words {
    prop::bool::weighted(probability).prop_map(move |there| if there { vec![name] } else { vec![] }).boxed()
}

fn one_of(values: &'static str) -> Words {
    select(values.split('|').collect::<Vec<_>>()).prop_map(|value| vec![value]).boxed()
}

/// Which data, most often good.
fn data() -> Vec<Words> {
    const FILES: &str = "data_batch_1.bin,data_batch_2.bin,test_batch.bin|test_batch.bin|\
         test_batch.bin,test_batch.bin|gone.bin|bad label.bin||,|../data/data_batch_1.bin";
    let folder = prop_oneof![9 => one_of("data"), 1 => one_of("gone|empty|data/test_batch.bin||run|.")];
    vec![
        folder.prop_map(|folder| [&["--data"], &folder[..]].concat()).boxed(),
        flag("--quiet", 0.3),
        flag("--json", 0.4),
        option("--train-files", FILES),
        option("--test-files", FILES),
    ]
}

fn engine() -> Vec<Words> {
    vec![
        option("--engine", "auto|simd|gemm|reference"),
        option("--isa", "auto|portable|avx2|avx512"),
        option("--threads", "1|2|3|33|0|1025"),
    ]
}

fn training() -> Vec<Words> {
    let words = vec![
        option("--batch", "1|2|99|100|101|0|18446744073709551615|18446744073709551616"),
        one_of("1|2|3").prop_map(|epochs| [&["--epochs"], &epochs[..]].concat()).boxed(),
        option("--evaluate-every", "1|2|3|18446744073709551615"),
        option("--seed", "0|1|18446744073709551615"),
        flag("--shuffle", 0.3),
        flag("--no-report", 0.9),
        flag("--overwrite", 0.6),
        option("--out", "a|a/b|a b|ü|run|data|empty|data/test_batch.bin|"),
    ];
    [words, data(), engine()].concat()
}

fn command_line() -> impl Strategy<Value = Vec<&'static str>> {
    const RATES: &str = "0|-0|1e-45|1e-320|0.001|1|1e10|1e38|3.4028235e38|3.4028236e38|inf|-1";
    const MODELS: &str = "run/model.safetensors|run/checkpoint.bin|run|gone|junk.png";
    const PICTURES: &str =
        "data/test_batch.bin:0|data/test_batch.bin:3-19|data/test_batch.bin:100|junk.png|data|gone";
    let rates = vec![option("--eta", RATES), option("--lambda", RATES)];
    let checkpoints = vec![
        option("--checkpoint-every", "1|2|0|18446744073709551615"),
        option("--resume", "run|a|gone|data"),
        option("--from", MODELS),
    ];
    let evaluate = vec![one_of(MODELS), option("--split", "train|validation|test"), flag("--csv", 0.2)];
    let top = option("--top", "0|1|10|18446744073709551615");
    let predict = vec![one_of(MODELS), one_of(PICTURES), one_of(PICTURES), top, flag("--json", 0.4)];
    let info = vec![one_of("data|run|run/model.safetensors|empty|gone")];
    let verb = |name: &'static str, words: Vec<Vec<Words>>| {
        words.concat().prop_map(move |words| [vec![vec![name]], words].concat().concat()).boxed()
    };
    prop_oneof![
        6 => verb("train", vec![rates, checkpoints, training()]),
        1 => verb("reproduce", vec![training()]),
        2 => verb("evaluate", vec![evaluate, data(), engine()]),
        2 => verb("predict", vec![predict, engine()]),
        1 => verb("info", vec![info, data()]),
    ]
}

/// The desk with 100 images a file, a file with a bad label, a run with a checkpoint, and what is not a picture.
fn desk() -> Desk {
    let desk = Desk::bare();
    write_noise(&desk.path("data"), [100; 3]);
    fs::write(desk.path("data/bad label.bin"), [10; RECORD]).unwrap();
    fs::create_dir(desk.path("empty")).unwrap();
    fs::write(desk.path("junk.png"), b"\x89PNG\r\n\x1a\njunk").unwrap();
    desk.run("train --data data --epochs 2 --checkpoint-every 1 --out run --no-report");
    desk
}

/// What became of the command, which has a minute: a hundred times what it takes.
fn outcome(command: &mut Command, words: &[&str]) -> ExitStatus {
    let (mut child, begun) = (command.spawn().unwrap(), Instant::now());
    loop {
        match child.try_wait().unwrap() {
            Some(status) => return status,
            None if begun.elapsed() > Duration::from_secs(60) => {
                child.kill().unwrap();
                panic!("{words:?} hangs");
            }
            None => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

#[test]
fn any_command_line_ends_in_success_or_in_one_line() {
    let desk = desk();
    let cases = super::support::cases(200);
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 64,
        ..ProptestConfig::default()
    };
    let mut codes = [0; 4];
    let mut seen = std::cell::RefCell::new(&mut codes);
    let ran = proptest::test_runner::TestRunner::new(config).run(&command_line(), |words| {
        let (stdout, stderr) = (desk.path("stdout"), desk.path("stderr"));
        let mut command = desk.command("");
        command.args(&words).stdout(File::create(&stdout).unwrap()).stderr(File::create(&stderr).unwrap());
        let status = outcome(&mut command, &words);
        let (stdout, stderr) = (fs::read_to_string(stdout).unwrap(), fs::read_to_string(stderr).unwrap());
        let code = status.code().filter(|code| (0..=3).contains(code));
        prop_assert!(code.is_some(), "{words:?}: {status}: {stderr}");
        prop_assert!(!stderr.contains("panicked"), "{words:?}: {stderr}");
        let complaints = stderr.lines().filter(|line| line.starts_with("onelayer: ")).count();
        match code {
            Some(0) => prop_assert_eq!(complaints, 0, "{:?}: {}", words, stderr),
            _ => {
                // One for each picture that could not be read, and one for all.
                let most = if words[0] == "predict" { 3 } else { 1 };
                prop_assert!((1..=most).contains(&complaints), "{words:?}: {stderr}");
                prop_assert!(stderr.lines().next_back().unwrap().starts_with("onelayer: "), "{stderr}");
            }
        }
        if code == Some(0) && words.contains(&"--json") {
            let values = serde_json::Deserializer::from_str(&stdout).into_iter::<serde_json::Value>();
            prop_assert!(values.collect::<Result<Vec<_>, _>>().is_ok_and(|values| !values.is_empty()));
        }
        seen.borrow_mut()[code.unwrap_or(0) as usize] += 1;
        Ok(())
    });
    let codes = **seen.get_mut();
    println!("exit codes 0 to 3: {codes:?}");
    ran.unwrap();
    assert!(cases < 200 || codes[..3].iter().all(|&count| 10 * count > cases), "all kinds occur: {codes:?}");
}
